// Decompresses whatever a build cache holds: looks at the first bytes, then hands everything to the decoder of their codec.
import { concatBytes, EMPTY_BYTES } from '../core/bytes.js';
import { type Compression, DETECTION_SIZE, findCodec } from './codec.js';
import type { Codec } from './codec-entry.js';
import type { DecoderOptions, PushDecoder } from './push-decoder.js';

/**
 * Decodes what any codec of the list (`codec.ts`) made, and plain data; nothing at all is plain data.
 *
 * Throws what the decoders throw.
 */
export class Decompressor implements PushDecoder {
  readonly #options: DecoderOptions;
  #codec: Codec<Compression> | undefined;
  #decoder: PushDecoder | undefined;
  /** The first bytes, while they are too few to tell. */
  #pending: Uint8Array = EMPTY_BYTES;
  #isStopped = false;

  constructor(options: DecoderOptions) {
    this.#options = options;
  }

  /** What was found; undefined while too few bytes came. */
  get compression(): Compression | undefined {
    return this.#codec?.name;
  }

  /** Whether the output comes from the inflater that was given. */
  get usesInflater(): boolean {
    return this.#codec?.usesInflater ?? false;
  }

  get ignoredBytes(): number {
    return this.#decoder?.ignoredBytes ?? 0;
  }

  get segmentCount(): number {
    return this.#decoder?.segmentCount ?? 0;
  }

  push(chunk: Uint8Array): void {
    if (this.#decoder !== undefined) {
      this.#decoder.push(chunk);
      return;
    }
    const first = this.#pending.length === 0 ? chunk : concatBytes([this.#pending, chunk]);
    if (first.length >= DETECTION_SIZE) this.#start(first);
    else this.#pending = Uint8Array.from(first); // slice() of a Buffer would be a view of the caller's bytes
  }

  stop(): void {
    this.#isStopped = true;
    this.#decoder?.stop();
  }

  finish(): void {
    if (this.#decoder === undefined) this.#start(this.#pending);
    this.#decoder?.finish();
  }

  #start(first: Uint8Array): void {
    this.#pending = EMPTY_BYTES;
    this.#codec = findCodec(first.subarray(0, DETECTION_SIZE));
    this.#decoder = this.#codec.makeDecoder(this.#options);
    if (this.#isStopped) this.#decoder.stop();
    this.#decoder.push(first);
  }
}
