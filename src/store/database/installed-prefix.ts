// What the prefix shows: whether a recorded package still exists, and which package is in a prefix without a record.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseSpecDictionary } from '../../spec/json/spec-json.js';
import type { SpecNode } from '../../spec/spec.js';
import type { InstallRecord } from './database-file.js';

/** A package whose prefix was deleted is not installed, whatever its record says. Externals are trusted without a check. */
export function isThere(record: InstallRecord): boolean {
  if (!record.installed) return false;
  return record.path === undefined || existsSync(record.path);
}

/** Says whether a prefix without a record holds the package, by its `.spack/spec.json`. */
export function holdsPackage(node: SpecNode, prefix: string): boolean {
  try {
    const source = join(prefix, '.spack', 'spec.json');
    return parseSpecDictionary(JSON.parse(readFileSync(source, 'utf8')), source).root.hash === node.hash;
  } catch {
    return false;
  }
}
