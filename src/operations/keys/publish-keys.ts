// Publishes public keys on mirrors, with the index that names them (Spack `push_keys`, `generate_key_index`).
import { MirrorError } from '../../core/errors.js';
import type { OperationOptions } from '../../core/progress.js';
import type { WithSignal } from '../../core/with-signal.js';
import type { BuildCache, KeyPublisher, Mirror, ShelvedKey } from '../../mirror/build-cache.js';
import { requirePublisher } from '../../mirror/require-publisher.js';
import type { PublicKeyFile } from '../../signature/keys/public-key.js';
import { giveWay } from '../give-way.js';
import { type RefusedKey, readShelf } from './read-shelf.js';

export interface PublishKeysRequest {
  readonly mirror: Mirror;
  readonly keys: readonly PublicKeyFile[];
}

export interface KeyIndexReport {
  /** The keys that the mirror's index now names. */
  readonly fingerprints: readonly string[];
  /** Skipped files in the key folder, with the reasons. */
  readonly refused: readonly RefusedKey[];
}

/**
 * Publishes keys, then the index of all keys that the mirror has.
 * @throws MirrorError `mirror-read-only`, and the errors of reading and writing.
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
 * Writes the index of the keys on a mirror, beside others who do the same: after that, whatever they published meanwhile is looked for. A
 * file that does not contain the key it is named after is skipped with a warning.
 * @throws MirrorError `mirror-read-only`, `mirror-changed` where others write again and again, and the errors of reading and writing.
 */
export async function indexKeys({ cache }: Mirror, options: OperationOptions = {}): Promise<KeyIndexReport> {
  const { signal } = options;
  const { keys } = requirePublisher(cache);
  if (keys.files === undefined) throw cannotList(cache);
  const files = () => namedKeys(keys, { signal });
  return giveWay(async () => {
    const found = await files();
    const read = await readShelf(found.values(), options);
    const fingerprints = read.keys.map(({ fingerprint }) => fingerprint);
    await keys.writeIndex(fingerprints, { signal });
    for (const [fingerprint, { location }] of await files())
      if (!found.has(fingerprint)) throw isNew(location);
    return { fingerprints: fingerprints.map((each) => each.toUpperCase()), refused: read.refused };
  }, options);
}

async function namedKeys(keys: KeyPublisher, options: WithSignal): Promise<Map<string, ShelvedKey>> {
  const found = new Map<string, ShelvedKey>();
  for await (const key of keys.files?.(options) ?? []) found.set(key.fingerprint, key);
  return found;
}

function isNew(location: string): MirrorError {
  return new MirrorError(
    'mirror-changed',
    `Cannot complete the index of keys: "${location}" came meanwhile`,
    {
      hint: 'Others publish keys at the same time: run the command again',
      data: { location },
    },
  );
}

/** The error of an operation that needs a listing of the mirror. */
export function cannotList({ url }: BuildCache): MirrorError {
  return new MirrorError('mirror-protocol', `Cannot index "${url}": it cannot be listed`, {
    hint: 'Index the folder that the server serves: a path or a file: URL',
    data: { mirror: url },
  });
}
