// Makes a Web Stream pair of a push decoder. A TransformStream cannot wait while its reader is behind, and a few KiB of
// hostile input decode to many MiB: here input is decoded in small pieces, and only while the reader has room.
import {
  ByteLengthQueuingStrategy,
  ReadableStream,
  type ReadableStreamDefaultController,
  WritableStream,
  type WritableStreamDefaultController,
} from 'node:stream/web';
import { ChunkBuffer } from './chunk-buffer.js';
import { CHUNK_SIZE, QUEUE_SIZE } from './chunk-size.js';
import type { PushDecoder } from './push-decoder.js';

/** Input decoded at a time: at most 1032 times as much (16 MiB) is queued beyond what the reader asked for. */
const PIECE_SIZE = 16 * 1024;

/** The controller's signal, which the type declarations of Node 20 leave out. */
type AbortableController = WritableStreamDefaultController & { readonly signal: AbortSignal };

/** A decoder between two streams; fits `pipeThrough`. */
export class DecoderStream {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
  readonly #decoder: PushDecoder;
  readonly #buffer: ChunkBuffer;
  #reader: ReadableStreamDefaultController<Uint8Array> | undefined;
  #writer: WritableStreamDefaultController | undefined;
  #onRoom: () => void = () => {};
  /** By the reader; and by either side. */
  #isCancelled = false;
  #isAborted = false;

  constructor(makeDecoder: (onOutput: (bytes: Uint8Array) => void) => PushDecoder) {
    this.#buffer = new ChunkBuffer(CHUNK_SIZE, (chunk) => this.#reader?.enqueue(chunk));
    this.#decoder = makeDecoder((bytes) => this.#buffer.add(bytes));
    this.readable = this.#makeReadable();
    this.writable = this.#makeWritable();
  }

  /** Bytes after the last segment that were left alone. */
  get ignoredBytes(): number {
    return this.#decoder.ignoredBytes;
  }

  /** Says that nothing after the current segment is wanted, even if it looks like another one. */
  stop(): void {
    this.#decoder.stop();
  }

  #makeReadable(): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#reader = controller;
        },
        pull: () => this.#onRoom(),
        cancel: (reason) => {
          this.#isCancelled = true;
          this.#isAborted = true;
          this.#writer?.error(reason);
          this.#onRoom();
        },
      },
      new ByteLengthQueuingStrategy({ highWaterMark: QUEUE_SIZE }),
    );
  }

  #makeWritable(): WritableStream<Uint8Array> {
    return new WritableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#writer = controller;
          // abort() itself is only called once a write that waits for room has ended.
          (controller as AbortableController).signal.addEventListener('abort', () => {
            this.#isAborted = true;
            this.#onRoom();
          });
        },
        write: (chunk) => this.#orFail(() => this.#decode(chunk)),
        close: () => this.#orFail(async () => this.#finish()),
        abort: (reason) => {
          if (!this.#isCancelled) this.#reader?.error(reason);
        },
      },
      new ByteLengthQueuingStrategy({ highWaterMark: QUEUE_SIZE }),
    );
  }

  /** A failure ends both sides. */
  async #orFail(action: () => Promise<void>): Promise<void> {
    try {
      await action();
    } catch (error) {
      if (!this.#isCancelled) this.#reader?.error(error);
      throw error;
    }
  }

  async #decode(chunk: Uint8Array): Promise<void> {
    for (let offset = 0; offset < chunk.length; offset += PIECE_SIZE) {
      while (!this.#isAborted && !this.#hasRoom)
        await new Promise<void>((resolve) => (this.#onRoom = resolve));
      if (this.#isAborted) return;
      this.#decoder.push(chunk.subarray(offset, offset + PIECE_SIZE));
    }
  }

  get #hasRoom(): boolean {
    return (this.#reader?.desiredSize ?? 0) > 0;
  }

  #finish(): void {
    this.#decoder.finish();
    this.#buffer.flush();
    this.#reader?.close();
  }
}
