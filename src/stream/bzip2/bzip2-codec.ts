// bzip2 in the list of codecs.
import { startsWithBytes } from '../../core/bytes.js';
import type { Codec } from '../codec-entry.js';
import { Bunzip2Decoder } from './bunzip2.js';

const MAGIC = Uint8Array.of(0x42, 0x5a, 0x68); // "BZh"
/** What follows "BZh" and the level: a block, or the end of a stream without one. */
const BLOCK = Uint8Array.of(0x31, 0x41, 0x59, 0x26, 0x53, 0x59);
const END = Uint8Array.of(0x17, 0x72, 0x45, 0x38, 0x50, 0x90);
const DETECTION_SIZE = MAGIC.length + 1 + BLOCK.length;

/** A tar may begin with a name such as "BZh9": the magic behind it tells them apart. */
function isBzip2(bytes: Uint8Array): boolean {
  const level = (bytes[MAGIC.length] ?? 0) - 0x30;
  if (!startsWithBytes(bytes, MAGIC) || level < 1 || level > 9) return false;
  const rest = bytes.subarray(MAGIC.length + 1, DETECTION_SIZE);
  return [BLOCK, END].some((magic) => startsWithBytes(magic, rest));
}

export const BZIP2 = {
  name: 'bzip2',
  detectionSize: DETECTION_SIZE,
  detects: isBzip2,
  usesInflater: false,
  makeDecoder: (options) => new Bunzip2Decoder(options),
} as const satisfies Codec;
