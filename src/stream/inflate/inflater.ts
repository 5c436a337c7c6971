// The decoder of an engine: raw DEFLATE (RFC 1951).

/** Output that stays in place for as long as another thread needs it. */
export interface SharedOutput {
  /** How many pulls the window must hold. */
  readonly pulls: number;
  /** Called before this range of the shared memory is written; returns when its content is no longer needed. */
  claim(start: number, end: number): void;
}

/** Memory shared between threads, and a part of it that the reading thread may use freely. */
export interface MemoryPlace {
  readonly memory: { readonly buffer: SharedArrayBuffer };
  readonly begin: number;
  readonly end: number;
}

export interface Inflater {
  /** Offers input; all earlier input must be used up. The view must not change until it is used up. */
  push(input: Uint8Array): void;
  /**
   * Decodes up to one window of output (at most 512 KiB). The view is valid until the next call.
   * Empty: more input is needed, or the stream has ended.
   * @throws IntegrityError `deflate-invalid`
   */
  pull(): Uint8Array;
  /** True once the final block is decoded and all its output was pulled. */
  readonly ended: boolean;
  /** How many bytes of the last input were not used; after the end they belong to the data that follows. */
  readonly unusedInput: number;
  /** CRC-32 of all output since the last reset, if the decoder computes it faster than node:zlib does. */
  readonly crc32?: number;
  /** Where the output is, if the decoder was created for a `SharedOutput`. */
  readonly shared?: MemoryPlace;
  /** Starts another stream with the same windows; pushed input is discarded. */
  reset(): void;
}

/** What decompression needs; relocation alone does not. */
export interface Decoders {
  /**
   * A decoder whose output the scanner of the same engine reads without a copy. Its windows are never freed: create one per worker and reset it.
   * @param output if another thread reads the output; an engine that cannot share its windows ignores it
   */
  createInflater(output?: SharedOutput): Inflater;
}
