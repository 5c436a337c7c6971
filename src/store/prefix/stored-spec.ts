// What an installed package says it is: `.spack/spec.json` of its prefix.
import { readFileSync } from 'node:fs';
import { MetadataError } from '../../core/errors.js';
import { parseJsonDocument } from '../../spec/json/json-document.js';
import { parseSpecDictionary } from '../../spec/json/spec-json.js';
import type { DagHash } from '../../spec/spec.js';
import { prefixReadError } from './prefix-tree.js';

/**
 * Reads the spec of a prefix, and checks that it is the one that the database names.
 * @throws StoreError `store-io`; MetadataError `wrong-package`, and what the JSON and the spec bring
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
      hint: 'The database of the store and the prefix do not belong together: let Spack rebuild it with "spack reindex"',
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
