// What an rpath or another path becomes (src/relocation/rpath.ts says it in TypeScript).
import { reserve } from './host';
import { findMapping, growthOf, writeMapped } from './mapping';

export const COLON: u8 = 0x3a;

/** No loader takes a longer one: src/binfmt/elf/elf-dynamic.ts. */
export const LONGEST_STRING: u64 = 1048576;

/** The last result. */
export let mappedAt: usize = 0;
export let mappedLength: i32 = 0;
/** Whether it was not written, being too long. */
export let isTooLong: bool = false;

export function setMapped(at: usize, length: i32): void {
  mappedAt = at;
  mappedLength = length;
}

export function setTooLong(value: bool): void {
  isTooLong = value;
}

/** Replaces the prefix of a path; false where no mapping matches. */
export function mapPath(path: usize, length: i32): bool {
  const index = findMapping(path, length);
  if (index < 0) return false;
  mappedLength = length + growthOf(index);
  mappedAt = reserve(mappedLength);
  writeMapped(index, path, length, mappedAt);
  return true;
}

/** Replaces the prefixes of an rpath's entries and leaves out empty ones; false where no mapping matches. */
export function mapRpath(rpath: usize, length: i32): bool {
  const size = mappedRpathSize(rpath, length);
  if (size < 0) return false;
  // The last entry has no colon behind it.
  isTooLong = <u64>size > LONGEST_STRING + 1;
  if (!isTooLong) writeRpath(rpath, length, size);
  return true;
}

function writeRpath(rpath: usize, length: i32, size: i64): void {
  mappedAt = reserve(size);
  let out = mappedAt;
  for (let start = 0; start <= length; ) {
    const end = entryEnd(rpath, length, start);
    if (end > start) {
      out = writeEntry(rpath + start, end - start, out);
      store<u8>(out++, COLON);
    }
    start = end + 1;
  }
  mappedLength = <i32>(size - 1);
}

/** The size with one colon behind each entry; -1 where no mapping matches. */
function mappedRpathSize(rpath: usize, length: i32): i64 {
  let size: i64 = 0;
  let hasMatch = false;
  for (let start = 0; start <= length; ) {
    const end = entryEnd(rpath, length, start);
    if (end > start) {
      const index = findMapping(rpath + start, end - start);
      if (index >= 0) hasMatch = true;
      size += <i64>(end - start) + 1 + (index < 0 ? 0 : growthOf(index));
    }
    start = end + 1;
  }
  return hasMatch ? size : -1;
}

export function entryEnd(rpath: usize, length: i32, start: i32): i32 {
  let end = start;
  while (end < length && load<u8>(rpath + end) != COLON) end++;
  return end;
}

function writeEntry(entry: usize, length: i32, out: usize): usize {
  const index = findMapping(entry, length);
  if (index >= 0) return writeMapped(index, entry, length, out);
  memory.copy(out, entry, length);
  return out + length;
}
