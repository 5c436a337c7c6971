// A set of items identified by numbers and found by their hash: open addressing, with a seed from the host, so that nobody can prepare
// colliding names.
import { reserve } from './host';

let slots: usize = 0;
let mask: u32 = 0;
let cursor: u32 = 0;
let seed: u32 = 0;

export function seedHashes(value: u32): void {
  seed = value;
}

/** Starts a set for at most this many items; their numbers are not negative. */
export function openSet(most: i32): void {
  let size: u32 = 2;
  while (size < 2 * <u32>most) size <<= 1;
  slots = reserve(8 * <u64>size);
  memory.fill(slots, 0xff, (<usize>size) << 3);
  mask = size - 1;
}

/** FNV-1a with a final mix. */
export function hashOf(pointer: usize, size: i32): u32 {
  let hash: u32 = 0x811c9dc5 ^ seed;
  for (let i = 0; i < size; i++) hash = (hash ^ load<u8>(pointer + i)) * 0x01000193;
  hash = (hash ^ seed ^ (hash >> 15)) * 0x2c1b3c6d;
  return hash ^ (hash >> 13);
}

/** The first item with a hash, or -1. */
export function firstWith(hash: u32): i32 {
  cursor = hash & mask;
  return find(hash);
}

export function nextWith(hash: u32): i32 {
  cursor = (cursor + 1) & mask;
  return find(hash);
}

function find(hash: u32): i32 {
  let slot = slots + (cursor << 3);
  while (load<i32>(slot) >= 0 && load<u32>(slot, 4) != hash) {
    cursor = (cursor + 1) & mask;
    slot = slots + (cursor << 3);
  }
  return load<i32>(slot);
}

/** Adds an item where the search for its hash ended. */
export function addToSet(hash: u32, value: i32): void {
  const slot = slots + (cursor << 3);
  store<i32>(slot, value);
  store<u32>(slot, hash, 4);
}
