// Drives the inflate kernel (assembly/inflate.ts): a raw DEFLATE decoder whose windows lie in the memory of a WASM instance,
// so that output can be scanned and written from there without a copy.
import { EMPTY_BYTES } from '../../../core/bytes.js';
import { IntegrityError, RelocationError } from '../../../core/errors.js';
import type { Inflater, MemoryPlace, SharedOutput } from '../../../stream/inflate/inflater.js';

/** What the kernel exports. */
export interface InflateExports {
  readonly memory: { readonly buffer: SharedArrayBuffer };
  inflateCreate(pulls: number): number;
  inflatePullSize(): number;
  inflateReset(inflater: number): void;
  inflateInput(inflater: number): number;
  inflateInputCapacity(): number;
  inflateOffer(inflater: number, size: number): void;
  inflateUnused(inflater: number): number;
  inflateBegin(inflater: number): void;
  inflateRun(inflater: number): number;
  inflateOutput(inflater: number): number;
  inflateOutputSize(inflater: number): number;
}

const WANTS_INPUT = 0;
const HAS_ENDED = 2;

/** Why a kernel (this one or the native one) refused a stream, by the number it returns; the words are those of JsInflater. */
export const PROBLEMS: readonly string[] = [
  '',
  'unknown block type',
  'a stored block does not confirm its length',
  'too many literal/length codes',
  'too many distance codes',
  'the code of the code lengths is not complete',
  'a repeated code length has none before it',
  'a repeated code length goes beyond the last code',
  'no code for the end of the block',
  'the literal/length code is not complete',
  'the distance code is not complete',
  'invalid literal/length code',
  'invalid distance code',
  'a distance reaches before the first byte',
];

/**
 * The WASM decoder. Its windows stay reserved for the life of the instance: make one per worker and reset it.
 *
 * Throws IntegrityError `deflate-invalid`, RelocationError `engine-failed`; the constructor RelocationError `engine-unavailable` when memory is short.
 */
export class WasmInflater implements Inflater {
  readonly #exports: InflateExports;
  readonly #pointer: number;
  readonly shared?: MemoryPlace;
  readonly #output: SharedOutput | undefined;
  readonly #inputPointer: number;
  readonly #inputCapacity: number;
  /** Made anew after the memory has grown. */
  #bytes: Uint8Array = EMPTY_BYTES;
  #input: Uint8Array = EMPTY_BYTES;
  /** How much of the input was copied to the kernel. */
  #offered = 0;
  #hasEnded = false;
  #failure: IntegrityError | undefined;
  #totalOutput = 0;

  constructor(exports: InflateExports, output?: SharedOutput, place?: MemoryPlace) {
    if (place !== undefined) this.shared = place;
    this.#exports = exports;
    this.#output = output;
    this.#pointer = exports.inflateCreate(output === undefined ? 1 : output.pulls);
    if (this.#pointer === 0) {
      throw new RelocationError(
        'engine-unavailable',
        'Cannot start the WASM engine: its memory cannot grow',
        {
          hint: 'Use the js engine: --engine js',
        },
      );
    }
    this.#inputPointer = exports.inflateInput(this.#pointer);
    this.#inputCapacity = exports.inflateInputCapacity();
  }

  get ended(): boolean {
    return this.#hasEnded;
  }

  get unusedInput(): number {
    return this.#input.length - this.#offered + this.#exports.inflateUnused(this.#pointer);
  }

  push(input: Uint8Array): void {
    if (this.unusedInput > 0) throw new TypeError('push() needs the input before it to be used up');
    this.#input = input;
    this.#offered = 0;
  }

  pull(): Uint8Array {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#hasEnded) return EMPTY_BYTES;
    const exports = this.#exports;
    exports.inflateBegin(this.#pointer);
    const start = exports.inflateOutput(this.#pointer);
    this.#output?.claim(start, start + exports.inflatePullSize());
    let status = this.#run();
    while (status === WANTS_INPUT && this.#offered < this.#input.length) {
      this.#offer();
      status = this.#run();
    }
    if (status < 0) this.#fail(PROBLEMS[-status] ?? 'unknown problem');
    this.#hasEnded = status === HAS_ENDED;
    const size = exports.inflateOutputSize(this.#pointer);
    this.#totalOutput += size;
    return this.#memory().subarray(start, start + size);
  }

  reset(): void {
    this.#exports.inflateReset(this.#pointer);
    this.#input = EMPTY_BYTES;
    this.#offered = 0;
    this.#hasEnded = false;
    this.#failure = undefined;
    this.#totalOutput = 0;
  }

  #memory(): Uint8Array {
    const { buffer } = this.#exports.memory;
    if (this.#bytes.buffer !== buffer) this.#bytes = new Uint8Array(buffer);
    return this.#bytes;
  }

  /** The kernel checks what it reads from input; a trap would be its own fault. */
  #run(): number {
    try {
      return this.#exports.inflateRun(this.#pointer);
    } catch (cause) {
      throw new RelocationError(
        'engine-failed',
        'Cannot decompress with the WASM engine: its kernel trapped',
        {
          hint: 'Use the js engine (--engine js), and report this',
          cause,
        },
      );
    }
  }

  #offer(): void {
    const piece = this.#input.subarray(this.#offered, this.#offered + this.#inputCapacity);
    this.#memory().set(piece, this.#inputPointer);
    this.#exports.inflateOffer(this.#pointer, piece.length);
    this.#offered += piece.length;
  }

  #fail(reason: string): never {
    this.#failure = new IntegrityError('deflate-invalid', `Cannot decompress deflate data: ${reason}`, {
      hint: 'The file is damaged: fetch it again',
      data: { reason, outputOffset: this.#totalOutput },
    });
    throw this.#failure;
  }
}
