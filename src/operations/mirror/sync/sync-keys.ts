// Copies the public keys that a mirror publishes, with the index that names them. That they are there does not make anybody trust them.
import { BuildcacheError } from '../../../core/errors.js';
import type { OperationOptions } from '../../../core/progress.js';
import type { Mirror, ShelvedKey } from '../../../mirror/build-cache.js';
import { requirePublisher } from '../../../mirror/require-publisher.js';
import type { PublicKeyFile } from '../../../signature/keys/public-key.js';
import { indexKeys } from '../../keys/publish-keys.js';
import { type NamedKey, type RefusedKey, readShelf } from '../../keys/read-shelf.js';

export interface SyncKeysRequest {
  readonly source: Mirror;
  /** The build cache that is written to. */
  readonly target: Mirror;
  /** What something was signed with on the way. */
  readonly signedBy: PublicKeyFile | undefined;
}

export interface SyncedKeys {
  /** Fingerprints of those that were written. */
  readonly copied: readonly string[];
  /** Fingerprints of those that were there. */
  readonly there: readonly string[];
  /** Keys that cannot be used. */
  readonly refused: readonly RefusedKey[];
}

/** Copies the keys that are missing or differ. Errors as `publishKeys`. */
export async function syncKeys(
  { source, target, signedBy }: SyncKeysRequest,
  options: OperationOptions,
): Promise<SyncedKeys> {
  const { signal } = options;
  const { keys: publisher } = requirePublisher(target.cache);
  const { keys: published, refused } = await readShelf(await source.cache.keys.list({ signal }), options);
  const isPublished = published.some(
    (key) => key.fingerprint.toUpperCase() === signedBy?.fingerprint.toUpperCase(),
  );
  const keys = signedBy === undefined || isPublished ? published : [...published, signedBy];
  const known = new Map<string, ShelvedKey>();
  for (const key of await target.cache.keys.list({ signal })) known.set(key.fingerprint.toUpperCase(), key);
  const copied: string[] = [];
  const there: string[] = [];
  for (const key of keys) {
    const fingerprint = key.fingerprint.toUpperCase();
    if (await isSame(known.get(fingerprint), key, options)) {
      there.push(fingerprint);
      continue;
    }
    await publisher.write(key, { signal });
    copied.push(fingerprint);
  }
  if (copied.length === 0) return { copied, there, refused };
  if (publisher.files !== undefined) await indexKeys(target, options);
  else await publisher.writeIndex([...new Set([...known.keys(), ...copied])], { signal });
  return { copied, there, refused };
}

async function isSame(
  known: ShelvedKey | undefined,
  { armored }: NamedKey,
  { signal }: OperationOptions,
): Promise<boolean> {
  try {
    return known !== undefined && Buffer.compare(await known.read({ signal }), armored) === 0;
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof BuildcacheError) return false; // what is broken is written anew
    throw error;
  }
}
