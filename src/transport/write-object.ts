// Writes an object whose bytes are at hand: in memory, or coming piece by piece.
import type { WithSignal } from '../core/with-signal.js';
import type { CommitCondition, ObjectFacts, ObjectWriter } from './object-store.js';

export interface WriteOptions extends WithSignal {
  readonly condition?: CommitCondition | undefined;
}

export interface NewObject {
  readonly path: string;
  readonly bytes: Uint8Array;
}

export interface NewPieces {
  readonly path: string;
  /** Each is used up before the next one is asked for. */
  readonly pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
}

/**
 * Writes a whole object.
 * @throws MirrorError `mirror-changed` when the condition does not hold, `mirror-full`, `mirror-read-only`, `mirror-write-failed`; then
 * nothing is left behind.
 */
export function writeObject(
  writer: ObjectWriter,
  { path, bytes }: NewObject,
  options: WriteOptions = {},
): Promise<ObjectFacts> {
  return writePieces(writer, { path, pieces: [bytes] }, options);
}

/** Writes a whole object piece by piece. Errors as `writeObject`, and those of the pieces. */
export async function writePieces(
  writer: ObjectWriter,
  { path, pieces }: NewPieces,
  { signal, condition }: WriteOptions = {},
): Promise<ObjectFacts> {
  const pending = await writer.begin({ path, signal });
  try {
    for await (const piece of pieces) {
      signal?.throwIfAborted();
      await pending.write(piece);
    }
    await pending.prepare();
    signal?.throwIfAborted();
    return await pending.commit(path, condition);
  } finally {
    await pending.discard();
  }
}
