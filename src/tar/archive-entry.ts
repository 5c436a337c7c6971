// Entries as streams: each with its own body. The next entry comes only after the body of the last was read or cancelled.
import type { TarEntry } from './entry.js';

export interface ArchiveEntry {
  readonly entry: TarEntry;
  /** Must be read to its end or cancelled before the next entry arrives. Empty for everything but files. */
  readonly body: ReadableStream<Uint8Array>;
  /** Once the body was read: whether a stage on the way changed it. Absent where none could. */
  readonly isChanged?: () => boolean;
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
    if (!entry.body.locked) await entry.body.cancel();
  }
}
