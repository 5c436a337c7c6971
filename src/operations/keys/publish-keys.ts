// Puts public keys onto mirrors, and the index that names them (Spack `push_keys`, `generate_key_index`).
import { BuildcacheError, MirrorError } from '../../core/errors.js';
import type { OperationOptions } from '../../core/progress.js';
import type { BuildCache, Mirror } from '../../mirror/build-cache.js';
import { requirePublisher } from '../../mirror/require-publisher.js';
import { type PublicKeyFile, readNamedPublicKey } from '../../signature/keys/public-key.js';

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
  const publisher = requirePublisher(mirror.cache);
  for (const key of keys) await publisher.keys.write(key, { signal });
  return indexKeys(mirror, options);
}

/**
 * Writes the index of the keys that a mirror has. A file that does not hold the key it is named by is left out, with a warning.
 * @throws MirrorError `mirror-read-only`, and what reading and writing bring.
 */
export async function indexKeys(
  { cache }: Mirror,
  { signal, onProgress }: OperationOptions = {},
): Promise<KeyIndexReport> {
  const publisher = requirePublisher(cache);
  if (publisher.keys.files === undefined) throw cannotList(cache);
  const fingerprints: string[] = [];
  const refused: { location: string; error: BuildcacheError }[] = [];
  for await (const key of publisher.keys.files({ signal })) {
    const { fingerprint, location } = key;
    try {
      await readNamedPublicKey(await key.read({ signal }), fingerprint, location);
      fingerprints.push(fingerprint);
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof BuildcacheError)) throw error;
      refused.push({ location, error });
      onProgress?.({ type: 'warning', code: error.code, message: `Left out: ${error.message}` });
    }
  }
  await publisher.keys.writeIndex(fingerprints, { signal });
  return { fingerprints: fingerprints.map((each) => each.toUpperCase()), refused };
}

/** The error of an operation that needs a list of what is there. */
export function cannotList({ url }: BuildCache): MirrorError {
  return new MirrorError('mirror-protocol', `Cannot index "${url}": it cannot be listed`, {
    hint: 'Index the folder that is served there: a path or a file: URL',
    data: { mirror: url },
  });
}
