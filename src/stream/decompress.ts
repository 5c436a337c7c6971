// Decompresses whatever a build cache holds: looks at the first bytes, then hands everything to the right decoder.
import { concatBytes, EMPTY_BYTES } from '../core/bytes.js';
import { Bunzip2Decoder } from './bunzip2.js';
import { type Compression, DETECTION_SIZE, detectCompression } from './detect-compression.js';
import { GunzipDecoder, type GunzipOptions, type PushDecoder } from './gunzip.js';

/** Passes data on as it is. */
class PlainDecoder implements PushDecoder {
  readonly #onOutput: (bytes: Uint8Array) => void;
  #isStopped = false;
  #ignoredBytes = 0;

  constructor(onOutput: (bytes: Uint8Array) => void) {
    this.#onOutput = onOutput;
  }

  get ignoredBytes(): number {
    return this.#ignoredBytes;
  }

  push(chunk: Uint8Array): void {
    if (this.#isStopped) this.#ignoredBytes += chunk.length;
    else if (chunk.length > 0) this.#onOutput(chunk);
  }

  stop(): void {
    this.#isStopped = true;
  }

  finish(): void {}
}

/**
 * Decodes gzip, bzip2 or plain data; nothing at all is plain data.
 *
 * Throws what GunzipDecoder and Bunzip2Decoder throw.
 */
export class Decompressor implements PushDecoder {
  readonly #options: GunzipOptions;
  #compression: Compression | undefined;
  #decoder: PushDecoder | undefined;
  /** The first bytes, while they are too few to tell. */
  #pending: Uint8Array = EMPTY_BYTES;
  #isStopped = false;

  constructor(options: GunzipOptions) {
    this.#options = options;
  }

  /** What was found; undefined while too few bytes came. */
  get compression(): Compression | undefined {
    return this.#compression;
  }

  get ignoredBytes(): number {
    return this.#decoder?.ignoredBytes ?? 0;
  }

  /** Complete members so far; 0 for what is not gzip. */
  get memberCount(): number {
    return this.#decoder instanceof GunzipDecoder ? this.#decoder.memberCount : 0;
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
    this.#compression = detectCompression(first.subarray(0, DETECTION_SIZE));
    this.#decoder = this.#makeDecoder(this.#compression);
    if (this.#isStopped) this.#decoder.stop();
    this.#decoder.push(first);
  }

  #makeDecoder(compression: Compression): PushDecoder {
    const { onOutput } = this.#options;
    switch (compression) {
      case 'gzip':
        return new GunzipDecoder(this.#options);
      case 'bzip2':
        return new Bunzip2Decoder({ onOutput });
      case 'none':
        return new PlainDecoder(onOutput);
    }
  }
}
