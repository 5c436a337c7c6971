// Puts public keys onto mirrors, and the index that names them (Spack `push_keys`, `generate_key_index`).
import { fingerprintOfKeyFile, formatKeyIndex } from '../buildcache/key-index.js';
import { KEY_INDEX_PATH, KEYS_ROOT, keyPath } from '../buildcache/layout.js';
import { BuildcacheError, MirrorError } from '../core/errors.js';
import type { OperationOptions } from '../core/progress.js';
import { type Mirror, readAll } from '../mirror/mirror.js';
import { requireWritable, writeObject } from '../mirror/writable-mirror.js';
import { type PublicKeyFile, readNamedPublicKey } from '../signature/keys/public-key.js';

/** Public keys with many signatures have some hundred kilobytes. */
export const LARGEST_PUBLIC_KEY = 16 << 20;

export interface PublishKeysRequest {
  readonly mirror: Mirror;
  readonly keys: readonly PublicKeyFile[];
}

export interface KeyIndexReport {
  /** The keys that the mirror's index now names. */
  readonly fingerprints: readonly string[];
  /** Files of the keys' folder that were left out, and why. */
  readonly refused: readonly { readonly location: string; readonly error: BuildcacheError }[];
}

/**
 * Publishes keys, then the index of all keys that the mirror has.
 * @throws MirrorError `mirror-read-only`, and what reading and writing bring.
 */
export async function publishKeys(
  { mirror, keys }: PublishKeysRequest,
  options: OperationOptions = {},
): Promise<KeyIndexReport> {
  const { signal } = options;
  const writable = requireWritable(mirror);
  for (const { fingerprint, armored } of keys) {
    await writeObject(writable, keyPath(fingerprint), armored, { signal });
  }
  return indexKeys(mirror, options);
}

/**
 * Writes the index of the keys that a mirror has. A file that does not hold the key it is named by is left out, with a warning.
 * @throws MirrorError `mirror-read-only`, and what reading and writing bring.
 */
export async function indexKeys(
  mirror: Mirror,
  { signal, onProgress }: OperationOptions = {},
): Promise<KeyIndexReport> {
  const writable = requireWritable(mirror);
  const fingerprints: string[] = [];
  const refused: { location: string; error: BuildcacheError }[] = [];
  for await (const name of listKeys(mirror, signal)) {
    const location = mirror.location(`${KEYS_ROOT}/${name}`);
    try {
      const bytes = await readAll(mirror, `${KEYS_ROOT}/${name}`, { limit: LARGEST_PUBLIC_KEY, signal });
      await readNamedPublicKey(bytes, fingerprintOfKeyFile(name) ?? '', location);
      fingerprints.push(name.slice(0, -'.pub'.length));
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof BuildcacheError)) throw error;
      refused.push({ location, error });
      onProgress?.({ type: 'warning', code: error.code, message: `Left out: ${error.message}` });
    }
  }
  await writeObject(writable, KEY_INDEX_PATH, formatKeyIndex(fingerprints), { signal });
  return { fingerprints: fingerprints.map((each) => each.toUpperCase()), refused };
}

async function* listKeys(mirror: Mirror, signal: AbortSignal | undefined): AsyncIterable<string> {
  if (mirror.list === undefined) throw cannotList(mirror);
  for await (const name of mirror.list(KEYS_ROOT, { signal })) {
    if (fingerprintOfKeyFile(name) !== undefined) yield name;
  }
}

/** The error of an operation that needs a list of what is there. */
export function cannotList(mirror: Mirror): MirrorError {
  return new MirrorError('mirror-protocol', `Cannot index "${mirror.url}": it cannot be listed`, {
    hint: 'Index the folder that is served there: a path or a file: URL',
    data: { mirror: mirror.url },
  });
}
