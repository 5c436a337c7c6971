// Decompresses whatever a build cache holds: detects the codec from the first bytes, then passes everything to its decoder.
import { concatBytes, EMPTY_BYTES } from '../core/bytes.js';
import { type Compression, DETECTION_SIZE, findCodec } from './codec.js';
import type { Codec } from './codec-entry.js';
import type { DecoderOptions, PushDecoder } from './push-decoder.js';

/**
 * Decodes data of any codec in the list (`codec.ts`), and plain data; empty input is plain data.
 *
 * Throws the errors of the decoders.
 */
export class Decompressor implements PushDecoder {
  readonly #options: DecoderOptions;
  #codec: Codec<Compression> | undefined;
  #decoder: PushDecoder | undefined;
  /** The first bytes, while there are too few to detect the codec. */
  #pending: Uint8Array = EMPTY_BYTES;
  #isStopped = false;

  constructor(options: DecoderOptions) {
    this.#options = options;
  }

  /** The codec found; undefined while there are too few bytes. */
  get compression(): Compression | undefined {
    return this.#codec?.name;
  }

  /** Whether the output comes from the inflater that was passed in. */
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
