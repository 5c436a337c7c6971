// Drives the raw DEFLATE decoder of the addon (native/src/inflate.rs). It reads the input where it is and writes into a window that
// this side owns and hands out, so that nothing is copied.
import { EMPTY_BYTES } from '../../core/bytes.js';
import { IntegrityError } from '../../core/errors.js';
import type { Inflater } from '../../stream/inflate/inflater.js';
import { checkStatus, type NativeAddon } from './native-addon.js';
import { PROBLEMS } from './wasm/wasm-inflater.js';

const WINDOW_FULL = 1;
const HAS_ENDED = 2;

/**
 * The native decoder. Its window of 544 KiB is reused by `reset()`.
 *
 * Throws IntegrityError `deflate-invalid`, RelocationError `engine-failed`.
 */
export class NativeInflater implements Inflater {
  readonly #decoder: InstanceType<NativeAddon['RawInflater']>;
  readonly #window: Uint8Array;
  readonly #report = new Float64Array(4);
  #input: Uint8Array = EMPTY_BYTES;
  #position = 0;
  /** Whether the decoder may go on without new input. */
  #isPending = false;
  #hasEnded = false;
  #failure: IntegrityError | undefined;
  #totalOutput = 0;
  #crc = 0;

  constructor(addon: NativeAddon) {
    this.#decoder = new addon.RawInflater();
    this.#window = new Uint8Array(addon.INFLATE_WINDOW_SIZE);
  }

  get ended(): boolean {
    return this.#hasEnded;
  }

  get crc32(): number {
    return this.#crc;
  }

  get unusedInput(): number {
    return this.#input.length - this.#position;
  }

  push(input: Uint8Array): void {
    if (this.unusedInput > 0) throw new TypeError('push() needs the input before it to be used up');
    this.#input = input;
    this.#position = 0;
    this.#isPending = true;
  }

  pull(): Uint8Array {
    if (this.#failure !== undefined) throw this.#failure;
    if (!this.#isPending) return EMPTY_BYTES;
    const report = this.#report;
    const status = checkStatus(this.#decoder.run(this.#input, this.#position, this.#window, report));
    if (status < 0) this.#fail(PROBLEMS[-status] ?? 'unknown problem');
    const [position = 0, start = 0, end = 0, crc = 0] = report;
    this.#position = position;
    this.#totalOutput += end - start;
    this.#crc = crc;
    this.#isPending = status === WINDOW_FULL;
    this.#hasEnded = status === HAS_ENDED;
    return this.#window.subarray(start, end);
  }

  reset(): void {
    checkStatus(this.#decoder.reset());
    this.#input = EMPTY_BYTES;
    this.#position = 0;
    this.#isPending = false;
    this.#hasEnded = false;
    this.#failure = undefined;
    this.#totalOutput = 0;
    this.#crc = 0;
  }

  #fail(reason: string): never {
    this.#failure = new IntegrityError('deflate-invalid', `Cannot decompress deflate data: ${reason}`, {
      hint: 'The file is damaged: fetch it again',
      data: { reason, outputOffset: this.#totalOutput },
    });
    throw this.#failure;
  }
}
