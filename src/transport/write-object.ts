// Writes an object whose bytes are in memory.
import type { WithSignal } from '../core/with-signal.js';
import type { CommitCondition, ObjectFacts, ObjectWriter } from './object-store.js';

export interface WriteOptions extends WithSignal {
  readonly condition?: CommitCondition | undefined;
}

export interface NewObject {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/**
 * Writes a whole object.
 * @throws MirrorError `mirror-changed` when the condition does not hold, `mirror-full`, `mirror-read-only`, `mirror-write-failed`; then
 * nothing is left behind.
 */
export async function writeObject(
  writer: ObjectWriter,
  { path, bytes }: NewObject,
  { signal, condition }: WriteOptions = {},
): Promise<ObjectFacts> {
  const pending = await writer.begin({ path, signal });
  try {
    await pending.write(bytes);
    await pending.prepare();
    return await pending.commit(path, condition);
  } finally {
    await pending.discard();
  }
}
