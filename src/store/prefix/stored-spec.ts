// The spec of an installed package: `.spack/spec.json` in its prefix.
import { chmodSync, chownSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MetadataError } from '../../core/errors.js';
import { parseJsonDocument } from '../../spec/json/json-document.js';
import { parseSpecDictionary } from '../../spec/json/spec-json.js';
import type { DagHash } from '../../spec/spec.js';
import { storeIo } from '../store-io.js';
import { INSTALL_MANIFEST } from './install-manifest.js';
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

export interface NewStoredSpec {
  /** Of a finished tree that is not yet in its place. */
  readonly folder: string;
  readonly specJson: string;
  readonly mode: number;
  readonly groupId: number | undefined;
}

/**
 * Gives a finished tree another spec. Its manifest goes too, since it describes the files of the old one.
 * @throws StoreError `store-io`, `disk-full`
 */
export function replaceStoredSpec({ folder, specJson, mode, groupId }: NewStoredSpec): void {
  const path = join(folder, '.spack', 'spec.json');
  storeIo('replace', path, () => {
    // Whatever the archive has there, perhaps a link that leads away, is not written through.
    rmSync(path, { recursive: true, force: true });
    writeFileSync(path, specJson, { flag: 'wx' });
    if (groupId !== undefined) chownSync(path, -1, groupId);
    chmodSync(path, mode);
  });
  const manifest = join(folder, INSTALL_MANIFEST);
  storeIo('remove', manifest, () => rmSync(manifest, { recursive: true, force: true }));
}

function readOrThrow(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw prefixReadError(path, cause);
  }
}
