// Entries as streams, each with its body. The next entry arrives only after the body of the last one was read or cancelled.
import type { TarEntry } from './entry.js';

export interface ArchiveEntry {
  readonly entry: TarEntry;
  /** Must be read to its end or cancelled before the next entry arrives, unless there are `bytes`. Empty for everything but files. */
  readonly body: ReadableStream<Uint8Array>;
  /** The whole body if it was already in memory; a reader uses either this or `body`. */
  readonly bytes?: Uint8Array;
  /** Once the body was read: whether a stage on the way changed it. Absent if no stage could. */
  readonly isChanged?: () => boolean;
}

/** An entry whose body is in memory. Its stream is created on demand. */
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
 * Calls `visit` for each entry in turn, and cancels the part of the body that it left unread.
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
