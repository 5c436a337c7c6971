// Search for the first listed prefix at each place. The common roots of the prefixes are searched with SIMD: at every place two
// rare bytes of each root are compared, 64 places per step ("packed pair", as in BurntSushi/memchr, src/arch/generic/packedpair.rs);
// where both match, a radix tree over all prefixes decides. So the cost does not depend on how many prefixes share a root.
//
// The table (made by src/relocation/engines/wasm/matcher-table.ts; all numbers are u32, little-endian; places are from the table's start):
//   0 pair count, 4 place of the nodes, 8 longest prefix, 12 reach (highest offset of a rare byte), 16 place of the prefixes
//   20 pairs:     offset 1, offset 2, byte 1, byte 2
//   nodes (20 B): label's place, label's length, prefix that ends here or -1, child count, first child's node number; node 0 is the root;
//                 the children of a node are neighbours
//   prefixes (16 B): place and length of the old prefix, place and length of the new one

const PAIRS: usize = 20;
const PAIR_SIZE: usize = 16;
const NODE_SIZE: usize = 20;
const STEP: i32 = 64;

/** Which prefix `findNext` found. */
export let foundIndex: i32 = -1;
/** Where the next call of a kernel must go on. */
export let next: i32 = 0;

export function setNext(value: i32): void {
  next = value;
}

export function longestPrefix(table: usize): i32 {
  return load<i32>(table, 8);
}

export function oldPlace(table: usize, index: i32): usize {
  return table + load<u32>(prefixEntry(table, index));
}

export function oldLength(table: usize, index: i32): i32 {
  return load<i32>(prefixEntry(table, index), 4);
}

export function newPlace(table: usize, index: i32): usize {
  return table + load<u32>(prefixEntry(table, index), 8);
}

export function newLength(table: usize, index: i32): i32 {
  return load<i32>(prefixEntry(table, index), 12);
}

function prefixEntry(table: usize, index: i32): usize {
  return table + load<u32>(table, 16) + ((<usize>index) << 4);
}

function equal(a: usize, b: usize, length: i32): bool {
  let i: i32 = 0;
  for (; i + 16 <= length; i += 16) {
    if (v128.any_true(v128.xor(v128.load(a + i), v128.load(b + i)))) return false;
  }
  for (; i < length; i++) if (load<u8>(a + i) != load<u8>(b + i)) return false;
  return true;
}

/** The first listed prefix at `pointer`, with `available` bytes there; -1 for none. */
function lookUp(table: usize, pointer: usize, available: i32): i32 {
  const nodes = table + load<u32>(table, 4);
  let best: u32 = -1;
  let node = nodes;
  let at: i32 = 0;
  for (;;) {
    const ends = load<u32>(node, 8);
    if (ends < best) best = ends;
    const children = load<i32>(node, 12);
    if (at >= available || children == 0) break;
    const byte = load<u8>(pointer + at);
    let child = nodes + <usize>load<u32>(node, 16) * NODE_SIZE;
    const last = child + <usize>children * NODE_SIZE;
    while (child < last && load<u8>(table + load<u32>(child)) != byte) child += NODE_SIZE;
    if (child == last) break;
    const length = load<i32>(child, 4);
    if (length > available - at || !equal(table + load<u32>(child), pointer + at, length)) break;
    at += length;
    node = child;
  }
  return <i32>best;
}

/** Which of the 16 places from `pointer` on have both rare bytes of one of the roots. */
function candidates(pointer: usize, o1: usize, o2: usize, b1: v128, b2: v128): v128 {
  return v128.and(i8x16.eq(v128.load(pointer + o1), b1), i8x16.eq(v128.load(pointer + o2), b2));
}

function maskOf(c0: v128, c1: v128, c2: v128, c3: v128): u64 {
  return (
    <u64>i8x16.bitmask(c0) |
    ((<u64>i8x16.bitmask(c1)) << 16) |
    ((<u64>i8x16.bitmask(c2)) << 32) |
    ((<u64>i8x16.bitmask(c3)) << 48)
  );
}

/** The same for 64 places and any number of roots: the union of their candidates. */
function candidatesOfAll(table: usize, pointer: usize): u64 {
  let c0 = v128.splat<u8>(0);
  let c1 = c0;
  let c2 = c0;
  let c3 = c0;
  let pair = table + PAIRS;
  const end = pair + <usize>load<u32>(table) * PAIR_SIZE;
  for (; pair < end; pair += PAIR_SIZE) {
    const o1 = <usize>load<u32>(pair);
    const o2 = <usize>load<u32>(pair, 4);
    const b1 = v128.splat<u8>(load<u8>(pair, 8));
    const b2 = v128.splat<u8>(load<u8>(pair, 12));
    c0 = v128.or(c0, candidates(pointer, o1, o2, b1, b2));
    c1 = v128.or(c1, candidates(pointer + 16, o1, o2, b1, b2));
    c2 = v128.or(c2, candidates(pointer + 32, o1, o2, b1, b2));
    c3 = v128.or(c3, candidates(pointer + 48, o1, o2, b1, b2));
  }
  return v128.any_true(v128.or(v128.or(c0, c1), v128.or(c2, c3))) ? maskOf(c0, c1, c2, c3) : 0;
}

/** The first place in `[from, limit)` at which a prefix begins that lies within `length` bytes; -1 for none. */
export function findNext(table: usize, pointer: usize, length: i32, from: i32, limit: i32): i32 {
  const stop = min(limit, length);
  // The last place from which 64 places and their rare bytes lie within the bytes.
  const lastStep = length - STEP - load<i32>(table, 12);
  let at = max(from, 0);
  if (load<u32>(table) == 1) {
    const o1 = <usize>load<u32>(table, PAIRS);
    const o2 = <usize>load<u32>(table, PAIRS + 4);
    const b1 = v128.splat<u8>(load<u8>(table, PAIRS + 8));
    const b2 = v128.splat<u8>(load<u8>(table, PAIRS + 12));
    for (; at < stop && at <= lastStep; at += STEP) {
      const here = pointer + at;
      const c0 = candidates(here, o1, o2, b1, b2);
      const c1 = candidates(here + 16, o1, o2, b1, b2);
      const c2 = candidates(here + 32, o1, o2, b1, b2);
      const c3 = candidates(here + 48, o1, o2, b1, b2);
      if (!v128.any_true(v128.or(v128.or(c0, c1), v128.or(c2, c3)))) continue;
      const hit = firstOf(maskOf(c0, c1, c2, c3), table, pointer, length, at, stop);
      if (hit >= 0) return hit;
    }
  } else if (load<u32>(table) == 2) {
    // Two roots in registers: 6.5 GB/s against 4.7 with the loop below, on the text of a 90 MB program.
    const o1 = <usize>load<u32>(table, PAIRS);
    const o2 = <usize>load<u32>(table, PAIRS + 4);
    const b1 = v128.splat<u8>(load<u8>(table, PAIRS + 8));
    const b2 = v128.splat<u8>(load<u8>(table, PAIRS + 12));
    const p1 = <usize>load<u32>(table, PAIRS + PAIR_SIZE);
    const p2 = <usize>load<u32>(table, PAIRS + PAIR_SIZE + 4);
    const d1 = v128.splat<u8>(load<u8>(table, PAIRS + PAIR_SIZE + 8));
    const d2 = v128.splat<u8>(load<u8>(table, PAIRS + PAIR_SIZE + 12));
    for (; at < stop && at <= lastStep; at += STEP) {
      const here = pointer + at;
      const c0 = v128.or(candidates(here, o1, o2, b1, b2), candidates(here, p1, p2, d1, d2));
      const c1 = v128.or(candidates(here + 16, o1, o2, b1, b2), candidates(here + 16, p1, p2, d1, d2));
      const c2 = v128.or(candidates(here + 32, o1, o2, b1, b2), candidates(here + 32, p1, p2, d1, d2));
      const c3 = v128.or(candidates(here + 48, o1, o2, b1, b2), candidates(here + 48, p1, p2, d1, d2));
      if (!v128.any_true(v128.or(v128.or(c0, c1), v128.or(c2, c3)))) continue;
      const hit = firstOf(maskOf(c0, c1, c2, c3), table, pointer, length, at, stop);
      if (hit >= 0) return hit;
    }
  } else {
    for (; at < stop && at <= lastStep; at += STEP) {
      const mask = candidatesOfAll(table, pointer + at);
      if (mask == 0) continue;
      const hit = firstOf(mask, table, pointer, length, at, stop);
      if (hit >= 0) return hit;
    }
  }
  for (; at < stop; at++) {
    foundIndex = lookUp(table, pointer + at, length - at);
    if (foundIndex >= 0) return at;
  }
  return -1;
}

/** The first candidate of a step that is a prefix. */
function firstOf(mask: u64, table: usize, pointer: usize, length: i32, at: i32, stop: i32): i32 {
  for (; mask != 0; mask &= mask - 1) {
    const place = at + <i32>ctz(mask);
    if (place >= stop) return -1;
    foundIndex = lookUp(table, pointer + place, length - place);
    if (foundIndex >= 0) return place;
  }
  return -1;
}

/** Writes `[place, prefix]` pairs for `[from, limit)`; returns how many. When `capacity` is full, `next` says where to go on. */
export function scan(
  table: usize,
  pointer: usize,
  length: i32,
  from: i32,
  limit: i32,
  out: usize,
  capacity: i32,
): i32 {
  let count: i32 = 0;
  let at = from;
  while (count < capacity) {
    const hit = findNext(table, pointer, length, at, limit);
    if (hit < 0) {
      next = max(limit, from);
      return count;
    }
    store<u32>(out, hit);
    store<u32>(out, foundIndex, 4);
    out += 8;
    count++;
    at = hit + 1;
  }
  next = at;
  return count;
}
