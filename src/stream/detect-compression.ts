// Finds out by looking how a file is compressed: its name and media type are not to be trusted.
import { startsWithBytes } from '../core/bytes.js';

export type Compression = 'gzip' | 'bzip2' | 'none';

/** With this many bytes (or the whole file) the answer is certain. */
export const DETECTION_SIZE = 10;

const GZIP_MAGIC = Uint8Array.of(0x1f, 0x8b);
const BZIP2_MAGIC = Uint8Array.of(0x42, 0x5a, 0x68); // "BZh"
/** What follows "BZh" and the level: a block, or the end of a stream without one. */
const BZIP2_BLOCK = Uint8Array.of(0x31, 0x41, 0x59, 0x26, 0x53, 0x59);
const BZIP2_END = Uint8Array.of(0x17, 0x72, 0x45, 0x38, 0x50, 0x90);

/**
 * Says how data is compressed that begins with these bytes.
 *
 * @param firstBytes the first `DETECTION_SIZE` bytes; fewer only where there are no more
 */
export function detectCompression(firstBytes: Uint8Array): Compression {
  if (startsWithBytes(firstBytes, GZIP_MAGIC)) return 'gzip';
  return isBzip2(firstBytes) ? 'bzip2' : 'none';
}

/** A tar may begin with a name such as "BZh9": the magic behind it tells them apart. */
function isBzip2(bytes: Uint8Array): boolean {
  const level = (bytes[3] ?? 0) - 0x30;
  if (!startsWithBytes(bytes, BZIP2_MAGIC) || level < 1 || level > 9) return false;
  const rest = bytes.subarray(4, DETECTION_SIZE);
  return [BZIP2_BLOCK, BZIP2_END].some((magic) => startsWithBytes(magic, rest));
}
