// The compressions that can be read, in one list. Another one is a file with its `Codec`, and a line in `CODECS`.
import { BZIP2 } from './bzip2/bzip2-codec.js';
import type { Codec } from './codec-entry.js';
import { GZIP } from './gzip/gzip-codec.js';
import { PLAIN } from './plain-codec.js';

/** Asked in this order; the last one takes everything. */
const CODECS = [GZIP, BZIP2, PLAIN] as const satisfies readonly Codec[];

export type Compression = (typeof CODECS)[number]['name'];

/** With this many bytes (or the whole file) it is certain which codec it is. */
export const DETECTION_SIZE = Math.max(...CODECS.map(({ detectionSize }) => detectionSize));

/**
 * Finds out by looking how data is compressed that begins with these bytes: names and media types are not to be trusted.
 *
 * @param firstBytes - the first `DETECTION_SIZE` bytes; fewer only where there are no more
 */
export function findCodec(firstBytes: Uint8Array): Codec<Compression> {
  return CODECS.find((codec) => codec.detects(firstBytes)) ?? PLAIN;
}

/** The name of the codec that `findCodec` finds. */
export function detectCompression(firstBytes: Uint8Array): Compression {
  return findCodec(firstBytes).name;
}
