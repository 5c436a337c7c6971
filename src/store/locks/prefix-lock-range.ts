// The bytes of `.spack-db/prefix_lock` that stand for a package. FORMATS.md §2 "Locks": one byte at the first 63 bits, big-endian, of
// the base32-decoded hash (Spack `dag_hash_bit_prefix`).
import type { DagHash } from '../../spec/spec.js';
import type { LockRange } from './record-lock.js';

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';
const OFFSET_BITS = 63n;
const END_OF_FILE = 1n << OFFSET_BITS;
const DOUBLE_PRECISION = 53;

/** The byte that Spack locks. */
export function prefixLockOffset(hash: DagHash): bigint {
  let bits = 0n;
  // 13 characters hold 65 bits: the first 63 and two to spare.
  for (const character of hash.slice(0, 13)) bits = (bits << 5n) | BigInt(ALPHABET.indexOf(character));
  return bits >> 2n;
}

/**
 * The shortest range that covers Spack's byte and whose ends are exact as doubles: at most 1,024 bytes, aligned to their number.
 * It also covers the bytes of other hashes, but only those that share the first 53 bits, as Spack's byte does for 63 bits.
 */
export function prefixLockRange(hash: DagHash): LockRange {
  const offset = prefixLockOffset(hash);
  const spareBits = BigInt(Math.max(0, offset.toString(2).length - DOUBLE_PRECISION));
  const start = (offset >> spareBits) << spareBits;
  const length = 1n << spareBits;
  // The last range would end at 2^63, which is not a file offset: it extends to the end of the file.
  return { offset: Number(start), length: start + length >= END_OF_FILE ? 0 : Number(length) };
}
