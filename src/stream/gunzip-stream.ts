// The decompressing byte stages as Web Streams.
import { DecoderStream } from './decoder-stream.js';
import { Decompressor } from './decompress.js';
import { GunzipDecoder } from './gzip/gunzip.js';
import type { Inflater } from './inflate/inflater.js';
import { JsInflater } from './inflate/js-inflater.js';

export interface DecompressOptions {
  /** The engine's raw decoder, used by this stream alone while it runs; without it the one in TypeScript. */
  readonly inflater?: Inflater | undefined;
}

/**
 * Makes a stream that decompresses gzip data, in chunks of 256 KiB (the last one may be shorter) that belong to the reader.
 *
 * Errors with IntegrityError `gzip-header`, `gzip-truncated`, `gzip-crc`, `gzip-length`, `deflate-invalid`.
 *
 * @example
 * await fetched.pipeThrough(gunzip()).pipeTo(target);
 */
export function gunzip({ inflater = new JsInflater() }: DecompressOptions = {}): DecoderStream {
  return new DecoderStream((onOutput) => new GunzipDecoder({ inflater, onOutput }));
}

/**
 * Like `gunzip`, but looks at the data: gzip, bzip2 or not compressed.
 *
 * Errors like `gunzip`, and with IntegrityError `bzip2-invalid`, `bzip2-truncated`.
 */
export function decompress({ inflater = new JsInflater() }: DecompressOptions = {}): DecoderStream {
  return new DecoderStream((onOutput) => new Decompressor({ inflater, onOutput }));
}
