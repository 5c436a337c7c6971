// What an engine brings to decompress: a raw DEFLATE (RFC 1951) decoder.

/** Output that stays where it is for as long as another thread needs it. */
export interface SharedOutput {
  /** How many pulls the window must be able to hold. */
  readonly pulls: number;
  /** Called before these places of the shared memory are written; returns when nobody needs what is there. */
  claim(start: number, end: number): void;
}

/** Memory that threads share, and a part of it that the one that reads may use as it likes. */
export interface MemoryPlace {
  readonly memory: { readonly buffer: SharedArrayBuffer };
  readonly begin: number;
  readonly end: number;
}

export interface Inflater {
  /** Offers input; everything offered before must be used up. The view must stay unchanged until it is used up. */
  push(input: Uint8Array): void;
  /**
   * Decodes up to one window of output (at most 512 KiB). The view is valid until the next call.
   * Empty: more input is needed, or the stream has ended.
   * @throws IntegrityError `deflate-invalid`
   */
  pull(): Uint8Array;
  /** True once the final block is decoded and all its output was pulled. */
  readonly ended: boolean;
  /** How many bytes of the last input were not used; after the end they belong to what follows. */
  readonly unusedInput: number;
  /** CRC-32 of all output since the last reset, from a decoder that computes it faster than node:zlib does. */
  readonly crc32?: number;
  /** Where the output lies, from a decoder that was made for a `SharedOutput`. */
  readonly shared?: MemoryPlace;
  /** Begins another stream with the same windows; pushed input is forgotten. */
  reset(): void;
}

/** What decompresses: nobody who only relocates needs it. */
export interface Decoders {
  /**
   * A decoder whose output the scanner of the same engine takes without a copy. Its windows stay reserved: make one per worker and reset it.
   * @param output for a decoder whose output another thread reads; an engine that cannot share its windows ignores it
   */
  createInflater(output?: SharedOutput): Inflater;
}
