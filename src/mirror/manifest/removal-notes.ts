// Notes that a prune leaves in a mirror while it removes blobs. A push that finds no new note after its manifests knows that nobody removed
// blobs meanwhile, and need not look for each of them.
//
// A note is there before the first removal, and `.running` until the last blob that had to be put back is back; a prune that fails or dies
// leaves it like that. Then it becomes `.ended`. Ended notes go with the next prune, which has a note of its own by then: whoever looked
// before the old one was written finds the new one. So between two looks nobody removed anything if none was running at the first, and the
// second finds none that is new.
import { randomBytes } from 'node:crypto';
import { BuildcacheError } from '../../core/errors.js';
import type { WithSignal } from '../../core/with-signal.js';
import type { ListedObject, ObjectLister, ObjectWriter } from '../../transport/object-store.js';
import { writeObject } from '../../transport/write-object.js';
import type { RemovalNote } from '../cache-audit.js';
import { REMOVAL_NOTES } from './paths.js';

const RUNNING = '.running';
const ENDED = '.ended';
/** Milliseconds. No prune takes as long: one that was killed left it. */
const ABANDONED_AFTER = 7 * 24 * 3_600_000;

/** The notes at one moment. */
export class RemovalLook {
  readonly #names: ReadonlySet<string>;
  readonly isRunning: boolean;

  constructor(names: Iterable<string>) {
    this.#names = new Set(names);
    this.isRunning = [...this.#names].some((name) => name.endsWith(RUNNING));
  }

  /** Whether nobody can have removed anything since an earlier look. */
  isQuietSince(before: RemovalLook): boolean {
    return !before.isRunning && [...this.#names].every((name) => before.#names.has(name));
  }
}

/** Looks for notes; undefined where that is not allowed. */
export async function lookForRemovals(
  lister: ObjectLister,
  { signal }: WithSignal = {},
): Promise<RemovalLook | undefined> {
  const names: string[] = [];
  try {
    for await (const { path } of lister.list(REMOVAL_NOTES, { signal })) names.push(path);
    return new RemovalLook(names);
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof BuildcacheError) return undefined;
    throw error;
  }
}

export interface NotedPlace {
  readonly lister: ObjectLister;
  readonly writer: ObjectWriter;
}

/** Writes a note. Errors as `ObjectWriter`. */
export async function noteRemoval(
  { lister, writer }: NotedPlace,
  { signal }: WithSignal = {},
): Promise<RemovalNote> {
  const path = `${REMOVAL_NOTES}/${randomBytes(8).toString('hex')}`;
  await writeObject(writer, { path: path + RUNNING, bytes: new Uint8Array(0) }, { signal });
  await removeEnded({ lister, writer }, { own: path + RUNNING, signal });
  const end = async () => {
    await writeObject(writer, { path: path + ENDED, bytes: new Uint8Array(0) });
    await writer.remove(path + RUNNING);
  };
  return { end };
}

/** Notes that are over, or were given up. Their age is that by the clock of the place, as is that of the own one. */
async function removeEnded(
  { lister, writer }: NotedPlace,
  { own, signal }: WithSignal & { readonly own: string },
): Promise<void> {
  const notes: ListedObject[] = [];
  for await (const note of lister.list(REMOVAL_NOTES, { withSizes: true, signal })) notes.push(note);
  const now = notes.find(({ path }) => path === own)?.modified ?? 0;
  for (const { path, modified = now } of notes)
    if (path.endsWith(ENDED) || now - modified > ABANDONED_AFTER) await writer.remove(path, { signal });
}
