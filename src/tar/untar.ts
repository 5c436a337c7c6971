// The untar stage: bytes of a tar archive in, entries with bodies out. Entry streams wait for their reader and never skip ahead.
import type { ReadableWritablePair } from 'node:stream/web';
import { EMPTY_BYTES } from '../core/bytes.js';
import { ArchiveError } from '../core/errors.js';
import { type ArchiveEntry, wholeEntry } from './archive-entry.js';
import type { TarEntry } from './entry.js';
import { type TarEvent, TarReader } from './tar-reader.js';

/**
 * Reads a tar archive.
 * @returns a pair for `pipeThrough`: archive bytes in, entries out
 * @throws ArchiveError on the readable side: `tar-header`, `tar-pax`, `tar-too-large`, `tar-truncated`
 * @example
 * const entries = response.body.pipeThrough(gunzip()).pipeThrough(untar());
 */
export function untar(): ReadableWritablePair<ArchiveEntry, Uint8Array> {
  // An identity stream without a queue: its readable side is pulled, so backpressure reaches the source.
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
    const event = await this.#nextEvent();
    if (event === undefined) controller.close();
    else if (event.type === 'entry') controller.enqueue(this.#openEntry(event.entry));
    else throw new TypeError(`The tar reader returned "${event.type}" between two members`);
  }

  cancel(reason: unknown): Promise<void> {
    return this.#source.cancel(reason);
  }

  /** A body in memory needs no stream: a stream costs more than most files. */
  #openEntry(entry: TarEntry): ArchiveEntry {
    let begun = this.#reader.next();
    if (begun?.type === 'entry-end') return wholeEntry({ entry, bytes: EMPTY_BYTES });
    if (begun?.type === 'data' && this.#reader.next() !== undefined)
      return wholeEntry({ entry, bytes: begun.bytes });
    const body = new EntryBody(() => {
      const event = begun ?? this.#nextEvent();
      begun = undefined;
      return this.#bytesOf(event);
    });
    this.#bodyDone = body.done;
    return { entry, body: body.stream };
  }

  async #bytesOf(next: TarEvent | Promise<TarEvent | undefined>): Promise<Uint8Array | undefined> {
    const event = await next;
    if (event?.type === 'data') return event.bytes;
    if (event?.type === 'entry-end') return undefined;
    throw new ArchiveError('tar-truncated', 'Cannot read the tar archive: it ends within a member');
  }

  async #nextEvent(): Promise<TarEvent | undefined> {
    try {
      for (;;) {
        const event = this.#reader.next();
        if (event !== undefined || this.#sourceEnded) return event;
        const { value, done } = await this.#source.read();
        if (!done) this.#reader.push(value);
        else {
          this.#sourceEnded = true;
          this.#reader.finish();
        }
      }
    } catch (error) {
      // A broken archive is not read any further, so its source may release its resources.
      await this.#source.cancel(error).catch(() => {});
      throw error;
    }
  }
}

/** The body of one entry: read, or skipped when it is cancelled. */
class EntryBody {
  readonly stream: ReadableStream<Uint8Array>;
  /** Resolves when nothing of the body is left; rejects if the archive ends within it. */
  readonly done: Promise<void>;
  readonly #next: () => Promise<Uint8Array | undefined>;
  #reading: Promise<Uint8Array | undefined> = Promise.resolve(EMPTY_BYTES);

  constructor(next: () => Promise<Uint8Array | undefined>) {
    this.#next = next;
    let finish: () => void = () => {};
    let fail: (reason: unknown) => void = () => {};
    this.done = new Promise<void>((resolve, reject) => {
      finish = resolve;
      fail = reject;
    });
    // A failure goes to the reader of the body; the entry stream reports it at its next pull.
    this.done.catch(() => {});
    const watch = async (step: () => Promise<boolean>) => {
      try {
        if (await step()) finish();
      } catch (error) {
        fail(error);
        throw error;
      }
    };
    let isCancelled = false;
    this.stream = new ReadableStream<Uint8Array>(
      {
        pull: (controller) =>
          watch(async () => {
            const bytes = await this.#read();
            if (isCancelled) return false;
            if (bytes === undefined) controller.close();
            else controller.enqueue(bytes);
            return bytes === undefined;
          }),
        cancel: () => {
          isCancelled = true;
          return watch(() => this.#skip());
        },
      },
      { highWaterMark: 0 },
    );
  }

  #read(): Promise<Uint8Array | undefined> {
    this.#reading = this.#next();
    return this.#reading;
  }

  /** A read may be in progress; its bytes are discarded. */
  async #skip(): Promise<boolean> {
    let bytes = await this.#reading;
    while (bytes !== undefined) bytes = await this.#read();
    return true;
  }
}
