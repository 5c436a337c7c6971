// The untar stage: bytes of a tar archive in, entries with bodies out. Entry streams wait, they never drain.
import type { ReadableWritablePair } from 'node:stream/web';
import { ArchiveError } from '../core/errors.js';
import type { ArchiveEntry } from './archive-entry.js';
import type { TarEntry } from './entry.js';
import { TarReader } from './tar-reader.js';

/**
 * Reads a tar archive.
 * @returns a pair for `pipeThrough`: archive bytes in, entries out
 * @throws ArchiveError on the readable side: `tar-header`, `tar-pax`, `tar-too-large`, `tar-truncated`, `tar-entry-pending`
 * @example
 * const entries = response.body.pipeThrough(gunzip()).pipeThrough(untar());
 */
export function untar(): ReadableWritablePair<ArchiveEntry, Uint8Array> {
  // An identity stream of no queue: its readable side is pulled, so backpressure reaches the source.
  const input = new TransformStream<Uint8Array, Uint8Array>(
    undefined,
    { highWaterMark: 1 },
    { highWaterMark: 0 },
  );
  const session = new UntarSession(input.readable.getReader());
  const readable = new ReadableStream<ArchiveEntry>(
    {
      pull: (controller) => session.pullEntry(controller),
      cancel: (reason) => session.cancel(reason),
    },
    { highWaterMark: 0 },
  );
  return { readable, writable: input.writable };
}

class UntarSession {
  readonly #source: ReadableStreamDefaultReader<Uint8Array>;
  readonly #reader = new TarReader();
  #sourceEnded = false;
  /** Resolves when the body of the current entry was read or cancelled. */
  #bodyDone: Promise<void> = Promise.resolve();

  constructor(source: ReadableStreamDefaultReader<Uint8Array>) {
    this.#source = source;
  }

  async pullEntry(controller: ReadableStreamDefaultController<ArchiveEntry>): Promise<void> {
    await this.#bodyDone;
    for (;;) {
      const event = await this.#nextEvent();
      if (event === undefined) {
        controller.close();
        return;
      }
      if (event.type === 'entry') {
        controller.enqueue(this.#openEntry(event.entry));
        return;
      }
    }
  }

  cancel(reason: unknown): Promise<void> {
    return this.#source.cancel(reason);
  }

  #openEntry(entry: TarEntry): ArchiveEntry {
    let finish: () => void = () => {};
    let fail: (reason: unknown) => void = () => {};
    this.#bodyDone = new Promise<void>((resolve, reject) => {
      finish = resolve;
      fail = reject;
    });
    // A failure is told to whoever reads the body; the entry stream reports it at its next pull.
    this.#bodyDone.catch(() => {});
    const body = new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          try {
            const bytes = await this.#nextBody();
            if (bytes !== undefined) return controller.enqueue(bytes);
            controller.close();
            finish();
          } catch (error) {
            fail(error);
            throw error;
          }
        },
        cancel: async () => {
          while ((await this.#nextBody()) !== undefined);
          finish();
        },
      },
      { highWaterMark: 0 },
    );
    return { entry, body };
  }

  async #nextBody(): Promise<Uint8Array | undefined> {
    const event = await this.#nextEvent();
    if (event?.type === 'data') return event.bytes;
    if (event?.type === 'entry-end') return undefined;
    throw new ArchiveError('tar-truncated', 'Cannot read the tar archive: it ends within a member');
  }

  async #nextEvent() {
    for (;;) {
      const event = this.#reader.next();
      if (event !== undefined) return event;
      if (this.#sourceEnded) return undefined;
      const { value, done } = await this.#source.read();
      if (!done) this.#reader.push(value);
      else {
        this.#sourceEnded = true;
        this.#reader.finish();
      }
    }
  }
}
