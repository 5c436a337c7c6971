// The spec of an installed package, from `.spack/spec.json` in its prefix.
import { readFileSync } from 'node:fs';
import { MetadataError } from '../../core/errors.js';
import { parseJsonDocument } from '../../spec/json/json-document.js';
import { parseSpecDictionary } from '../../spec/json/spec-json.js';
import type { DagHash } from '../../spec/spec.js';
import { prefixReadError } from './prefix-tree.js';

/**
 * Reads the spec of a prefix, and checks that it is the one in the database.
 * @throws StoreError `store-io`; MetadataError `wrong-package`, and the errors of parsing the JSON and the spec
 */
export function readStoredSpec({ prefix, hash }: { readonly prefix: string; readonly hash: DagHash }) {
  const path = `${prefix}/.spack/spec.json`;
  const bytes = readOrThrow(path);
  const { root } = parseSpecDictionary(parseJsonDocument(bytes, path), path);
  if (root.hash === hash) return { bytes, path };
  throw new MetadataError(
    'wrong-package',
    `Cannot push "${root.name}": "${path}" describes another package`,
    {
      hint: 'The database of the store does not match the prefix: rebuild it with "spack reindex"',
      data: { path, expected: hash, actual: root.hash },
    },
  );
}

function readOrThrow(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw prefixReadError(path, cause);
  }
}
