// Entries as streams: each with its own body. The next entry comes only after the body of the last was read or cancelled.
import type { TarEntry } from './entry.js';

export interface ArchiveEntry {
  readonly entry: TarEntry;
  /** Must be read to its end or cancelled before the next entry arrives, unless there are `bytes`. Empty for everything but files. */
  readonly body: ReadableStream<Uint8Array>;
  /** The whole body where it was at hand; who takes it leaves `body` alone. */
  readonly bytes?: Uint8Array;
  /** Once the body was read: whether a stage on the way changed it. Absent where none could. */
  readonly isChanged?: () => boolean;
}

/** An entry whose body is at hand. Its stream is made when it is asked for. */
export function wholeEntry(facts: Omit<ArchiveEntry, 'body'> & { readonly bytes: Uint8Array }): ArchiveEntry {
  let body: ReadableStream<Uint8Array> | undefined;
  return {
    ...facts,
    get body() {
      body ??= streamOf(facts.bytes);
      return body;
    },
  };
}

function streamOf(bytes: Uint8Array): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      if (bytes.length > 0) controller.enqueue(bytes);
      controller.close();
    },
  });
}

/**
 * Calls `visit` for each entry in turn, and cancels what it left unread of the body.
 * @example
 * await forEachEntry(bytes.pipeThrough(untar()), async ({ entry, body }) => {
 *   if (entry.path.endsWith('.json')) console.log(await new Response(body).text());
 * });
 */
export async function forEachEntry(
  entries: ReadableStream<ArchiveEntry>,
  visit: (entry: ArchiveEntry) => void | Promise<void>,
): Promise<void> {
  for await (const entry of entries) {
    await visit(entry);
    if (entry.bytes === undefined && !entry.body.locked) await entry.body.cancel();
  }
}
