// Reads the public keys that a mirror publishes, each under the fingerprint that it really has.
import { BuildcacheError } from '../../core/errors.js';
import type { OperationOptions } from '../../core/progress.js';
import type { ShelvedKey } from '../../mirror/build-cache.js';
import { type PublicKeyFile, readNamedPublicKey } from '../../signature/keys/public-key.js';

export type NamedKey = Pick<PublicKeyFile, 'fingerprint' | 'armored'>;

export interface RefusedKey {
  readonly location: string;
  readonly error: BuildcacheError;
}

export interface ReadShelf {
  readonly keys: readonly NamedKey[];
  /** Those that cannot be used, with the reasons. */
  readonly refused: readonly RefusedKey[];
}

/** Keys in the spelling of the shelf; what cannot be used is left out with a warning. */
export async function readShelf(
  shelf: Iterable<ShelvedKey>,
  { signal, onProgress }: OperationOptions,
): Promise<ReadShelf> {
  const keys: NamedKey[] = [];
  const refused: RefusedKey[] = [];
  for (const { fingerprint, location, ...key } of shelf) {
    try {
      const armored = await key.read({ signal });
      await readNamedPublicKey(armored, fingerprint, location);
      keys.push({ fingerprint, armored });
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof BuildcacheError)) throw error;
      refused.push({ location, error });
      onProgress?.({ type: 'warning', code: error.code, message: `Left out: ${error.message}` });
    }
  }
  return { keys, refused };
}
