// What every decoder of a compressed stream can do; the bytes are pushed in, and what they decode to is handed out.
import type { Inflater } from './inflate/inflater.js';

/** A decoder of a whole compressed stream, driven by its input. A stream may consist of several segments (members of a gzip file). */
export interface PushDecoder {
  /** Decodes a chunk; all of it is used before this returns. */
  push(chunk: Uint8Array): void;
  /** Says that the input is complete. */
  finish(): void;
  /** Says that nothing after the current segment is wanted, even if it looks like another one. */
  stop(): void;
  /** How many bytes after the last segment were left alone. */
  readonly ignoredBytes: number;
  /** Complete segments so far, for a codec that can leave their check to others; 0 for one that cannot. */
  readonly segmentCount: number;
}

export interface DecoderOptions {
  /** The raw decoder that a codec on top of deflate uses. */
  readonly inflater: Inflater;
  /** Takes decompressed bytes; the view is valid during the call and must not be changed, as matches still reach into it. */
  readonly onOutput: (bytes: Uint8Array) => void;
  /** Takes what each segment must have, in place of the check here; not called with an inflater that has its own checksum. */
  readonly checkElsewhere?: ((trailer: SegmentTrailer) => void) | undefined;
}

/** The end of a segment: CRC-32 of its output, and how many bytes that has, modulo 2^32. */
export interface SegmentTrailer {
  readonly crc: number;
  readonly length: number;
}
