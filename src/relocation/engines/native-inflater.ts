// Drives the raw DEFLATE decoder of the addon (native/src/inflate.rs). It writes into a window that this side owns and hands out.
import { EMPTY_BYTES } from '../../core/bytes.js';
import { IntegrityError } from '../../core/errors.js';
import type { Inflater } from '../../stream/inflater.js';
import { checkStatus, type NativeAddon, type NativeInflater as NativeDecoder } from './native-addon.js';

const WINDOW_SIZE = 512 * 1024;

const OUTPUT_FULL = 1;
const HAS_ENDED = 2;

/** Why a stream was refused, by the number of `Problem` in native/src/inflate.rs; where it can tell, the words of JsInflater. */
const PROBLEMS: readonly string[] = [
  '',
  'unknown problem',
  'unknown block type',
  'a stored block does not confirm its length',
  'too many literal/length or distance codes',
  'the code of the code lengths is not complete',
  'a repeated code length has none before it, or goes beyond the last code',
  'no code for the end of the block',
  'the literal/length code is not complete',
  'the distance code is not complete',
  'invalid literal/length code',
  'invalid distance code',
  'a distance reaches before the first byte',
  'no memory is left',
];

/**
 * The native decoder. Its window of 512 KiB is reused by `reset()`.
 *
 * Throws IntegrityError `deflate-invalid`, RelocationError `engine-failed`.
 */
export class NativeInflater implements Inflater {
  readonly #decoder: NativeDecoder;
  readonly #window = new Uint8Array(WINDOW_SIZE);
  readonly #report = new Float64Array(2);
  #input: Uint8Array = EMPTY_BYTES;
  #used = 0;
  /** Whether the decoder holds output back for which the last window had no room. */
  #mayHoldMore = false;
  #hasEnded = false;
  #failure: IntegrityError | undefined;
  #totalOutput = 0;

  constructor(addon: NativeAddon) {
    this.#decoder = new addon.RawInflater();
  }

  get ended(): boolean {
    return this.#hasEnded;
  }

  get unusedInput(): number {
    return this.#input.length - this.#used;
  }

  push(input: Uint8Array): void {
    if (this.unusedInput > 0) throw new TypeError('push() needs the input before it to be used up');
    this.#input = input;
    this.#used = 0;
  }

  pull(): Uint8Array {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#hasEnded || (this.unusedInput === 0 && !this.#mayHoldMore)) return EMPTY_BYTES;
    const report = this.#report;
    const status = checkStatus(this.#decoder.run(this.#input, this.#used, this.#window, report));
    if (status < 0) this.#fail(PROBLEMS[-status] ?? 'unknown problem');
    const [used = 0, written = 0] = report;
    this.#used += used;
    this.#totalOutput += written;
    this.#mayHoldMore = status === OUTPUT_FULL;
    this.#hasEnded = status === HAS_ENDED;
    return this.#window.subarray(0, written);
  }

  reset(): void {
    checkStatus(this.#decoder.reset());
    this.#input = EMPTY_BYTES;
    this.#used = 0;
    this.#mayHoldMore = false;
    this.#hasEnded = false;
    this.#failure = undefined;
    this.#totalOutput = 0;
  }

  #fail(reason: string): never {
    this.#failure = new IntegrityError('deflate-invalid', `Cannot decompress deflate data: ${reason}`, {
      hint: 'The file is damaged: fetch it again',
      data: { reason, outputOffset: this.#totalOutput },
    });
    throw this.#failure;
  }
}
