// The list of compression formats that can be read. To add one, write a file with its `Codec` and add a line to `CODECS`.
import { BZIP2 } from './bzip2/bzip2-codec.js';
import type { Codec } from './codec-entry.js';
import { GZIP } from './gzip/gzip-codec.js';
import { PLAIN } from './plain-codec.js';

/** Tried in this order; the last one accepts everything. */
const CODECS = [GZIP, BZIP2, PLAIN] as const satisfies readonly Codec[];

export type Compression = (typeof CODECS)[number]['name'];

/** This many bytes (or the whole file) are enough to identify the codec. */
export const DETECTION_SIZE = Math.max(...CODECS.map(({ detectionSize }) => detectionSize));

/**
 * Detects how data is compressed from its first bytes: names and media types cannot be trusted.
 *
 * @param firstBytes - the first `DETECTION_SIZE` bytes; fewer only if there are no more
 */
export function findCodec(firstBytes: Uint8Array): Codec<Compression> {
  return CODECS.find((codec) => codec.detects(firstBytes)) ?? PLAIN;
}

/** The name of the codec that `findCodec` finds. */
export function detectCompression(firstBytes: Uint8Array): Compression {
  return findCodec(firstBytes).name;
}
