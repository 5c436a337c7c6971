// A small mirror of layout 3 with one signed package, made from the cases of this repository, to be changed by tests.
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const GOOD = join('test', 'fixtures-v2v3', 'negative', 'caches', 'good');
export const MANIFEST_KEYRING = join('test', 'fixtures-v2v3', 'keys', 'fixture-key.pub');
export const INDEX_MANIFEST = 'v3/manifests/index/index.manifest.json';

/** The hash of its package, `scriptleaf`. */
export const MANIFEST_HASH = 'pfklmlvcv7eqwcwfirdmojhv4pmq4na7';

/** Copies the mirror to a new folder. */
export function copyManifestMirror(folder: string): string {
  cpSync(GOOD, folder, { recursive: true });
  return folder;
}

/** The path of the blob that an index manifest names. */
export function indexBlobOf(folder: string): string {
  const { data } = JSON.parse(readFileSync(join(folder, INDEX_MANIFEST), 'utf8'));
  return blobPath(data[0].checksum);
}

/** Gives the mirror, or a view of it, another index. */
export function writeManifestIndex(folder: string, text: string, view?: string): string {
  const bytes = Buffer.from(text);
  const checksum = createHash('sha256').update(bytes).digest('hex');
  const record = {
    contentLength: bytes.length,
    mediaType: 'application/vnd.spack.db.v8+json',
    compression: 'none',
    checksumAlgorithm: 'sha256',
    checksum,
  };
  const path = view === undefined ? INDEX_MANIFEST : `v3/manifests/index/${view}/index.manifest.json`;
  write(join(folder, blobPath(checksum)), bytes);
  write(join(folder, path), JSON.stringify({ version: 3, data: [record] }));
  return blobPath(checksum);
}

function blobPath(sha256: string): string {
  return `blobs/sha256/${sha256.slice(0, 2)}/${sha256}`;
}

function write(path: string, content: Uint8Array | string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}
