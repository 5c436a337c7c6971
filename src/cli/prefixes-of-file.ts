// The prefixes that a file of an installed package may name: its own, and those in the package's buildinfo.
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Buildinfo, parseBuildinfo } from '../buildcache/buildinfo/buildinfo.js';
import { toLatin1 } from '../core/bytes.js';
import { BuildcacheError } from '../core/errors.js';

/** The prefixes as byte strings; none for a file outside any prefix. */
export function prefixesOfFile(path: string): readonly string[] {
  const prefix = prefixAbove(realpathSync(path));
  if (prefix === undefined) return [];
  const buildinfo = readBuildinfo(join(prefix, '.spack', 'binary_distribution'));
  return [toLatin1(Buffer.from(prefix)), ...(buildinfo === undefined ? [] : oldPrefixes(buildinfo))];
}

function prefixAbove(path: string): string | undefined {
  for (let folder = dirname(path); folder !== dirname(folder); folder = dirname(folder))
    if (['spec.json', 'binary_distribution'].some((name) => existsSync(join(folder, '.spack', name))))
      return folder;
  return undefined;
}

/** Undefined for a broken buildinfo: the file can still be shown. */
function readBuildinfo(path: string): Buildinfo | undefined {
  try {
    return existsSync(path) ? parseBuildinfo(readFileSync(path), path) : undefined;
  } catch (error) {
    if (error instanceof BuildcacheError) return undefined;
    throw error;
  }
}

function oldPrefixes({ hashToPrefix, buildpath, spackprefix }: Buildinfo): readonly string[] {
  const roots = spackprefix === undefined ? [buildpath] : [buildpath, spackprefix];
  return [...hashToPrefix.values(), ...roots].filter((path) => path.startsWith('/') && path.length > 1);
}
