// The ordered mapping from old to new prefixes, and a search for old ones that grow. At each place the first mapping that matches wins.
import { keepMemory, reserve, resetMemory } from './host';

@unmanaged
class Mapping {
  from: usize;
  fromLength: i32;
  to: usize;
  toLength: i32;
  /** How far a search falls back after a mismatch at each byte (Knuth, Morris and Pratt); 0 if nothing grows. */
  fallback: usize;
}

const MAPPING_SIZE: i32 = 20;

let mappings: usize = 0;
let count: i32 = 0;
/** 1 for each byte that begins an old prefix that grows. */
const firstBytes: usize = memory.data(256);
let growsFromNothing: bool = false;

/** Whether a mapping can make a string longer. */
export let lengthens: bool = false;

function mappingAt(index: i32): Mapping {
  return changetype<Mapping>(mappings + <usize>(index * MAPPING_SIZE));
}

/** Where the host writes a mapping: for each pair two lengths and the bytes of both. Discards the previous mapping. */
export function mappingRoom(size: i32): usize {
  resetMemory();
  return reserve(size);
}

/** Adopts the mapping that the host wrote. */
export function useMapping(pointer: usize, pairs: i32): void {
  mappings = reserve(<u64>pairs * MAPPING_SIZE);
  count = pairs;
  lengthens = growsFromNothing = false;
  memory.fill(firstBytes, 0, 256);
  let at = pointer;
  for (let i = 0; i < pairs; i++) {
    const mapping = mappingAt(i);
    mapping.fromLength = load<i32>(at);
    mapping.toLength = load<i32>(at + 4);
    mapping.from = at + 8;
    mapping.to = mapping.from + mapping.fromLength;
    mapping.fallback = 0;
    if (mapping.toLength > mapping.fromLength) prepareSearch(mapping);
    at = (mapping.to + mapping.toLength + 3) & ~3;
  }
  keepMemory();
}

function prepareSearch(mapping: Mapping): void {
  lengthens = true;
  const from = mapping.from;
  const fromLength = mapping.fromLength;
  if (fromLength == 0) {
    growsFromNothing = true;
    return;
  }
  store<u8>(firstBytes + load<u8>(from), 1);
  const table = reserve(4 * <u64>fromLength);
  mapping.fallback = table;
  store<i32>(table, 0);
  let length = 0;
  for (let i = 1; i < fromLength; i++) {
    const byte = load<u8>(from + i);
    while (length > 0 && load<u8>(from + length) != byte) length = load<i32>(table + ((length - 1) << 2));
    if (load<u8>(from + length) == byte) length++;
    store<i32>(table + (i << 2), length);
  }
}

/** The first mapping whose old prefix the path starts with, or -1; no boundary is needed after it. */
export function findMapping(path: usize, length: i32): i32 {
  for (let i = 0; i < count; i++) {
    const mapping = mappingAt(i);
    if (mapping.fromLength <= length && memory.compare(path, mapping.from, mapping.fromLength) == 0) return i;
  }
  return -1;
}

/** How many bytes a mapping adds to a path. */
export function growthOf(index: i32): i32 {
  const mapping = mappingAt(index);
  return mapping.toLength - mapping.fromLength;
}

/** Writes a path with its prefix replaced; returns its end. */
export function writeMapped(index: i32, path: usize, length: i32, out: usize): usize {
  const mapping = mappingAt(index);
  const rest = length - mapping.fromLength;
  memory.copy(out, mapping.to, mapping.toLength);
  memory.copy(out + mapping.toLength, path + mapping.fromLength, rest);
  return out + mapping.toLength + rest;
}

/** Whether a string contains an old prefix for which the C string rule has no room. */
export function holdsGrowing(string: usize, length: i32): bool {
  if (growsFromNothing) return true;
  let from = 0;
  while (from < length && load<u8>(firstBytes + load<u8>(string + from)) == 0) from++;
  if (from == length) return false;
  for (let i = 0; i < count; i++) if (includes(mappingAt(i), string + from, length - from)) return true;
  return false;
}

function includes(mapping: Mapping, string: usize, length: i32): bool {
  const from = mapping.from;
  const fromLength = mapping.fromLength;
  const fallback = mapping.fallback;
  if (fallback == 0) return false;
  let matched = 0;
  for (let i = 0; i < length; i++) {
    const byte = load<u8>(string + i);
    while (matched > 0 && load<u8>(from + matched) != byte)
      matched = load<i32>(fallback + ((matched - 1) << 2));
    if (load<u8>(from + matched) == byte) matched++;
    if (matched == fromLength) return true;
  }
  return false;
}
