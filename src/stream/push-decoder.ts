// The interface of every decoder of a compressed stream: bytes are pushed in, and decoded bytes go to a callback.
import type { Inflater } from './inflate/inflater.js';

/** A decoder of a whole compressed stream, driven by its input. A stream may consist of several segments (members of a gzip file). */
export interface PushDecoder {
  /** Decodes a chunk; all of it is used before this returns. */
  push(chunk: Uint8Array): void;
  /** Ends the input. */
  finish(): void;
  /** Stops after the current segment, even if what follows looks like another one. */
  stop(): void;
  /** How many bytes after the last segment were ignored. */
  readonly ignoredBytes: number;
  /** Complete segments so far, if the codec can leave their check to others; otherwise 0. */
  readonly segmentCount: number;
}

export interface DecoderOptions {
  /** The raw decoder that a codec on top of deflate uses. */
  readonly inflater: Inflater;
  /** Receives decompressed bytes; the view is valid during the call and must not be changed, since later matches refer to it. */
  readonly onOutput: (bytes: Uint8Array) => void;
  /** Receives what each segment must match, instead of the check here; not called if the inflater computes the checksum itself. */
  readonly checkElsewhere?: ((trailer: SegmentTrailer) => void) | undefined;
}

/** The end of a segment: CRC-32 of its output, and the length of that modulo 2^32. */
export interface SegmentTrailer {
  readonly crc: number;
  readonly length: number;
}
