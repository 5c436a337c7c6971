// Raw DEFLATE (RFC 1951): streaming, resumable at every byte of input, decoding into a window in this memory.
// Accepts exactly what src/stream/inflate/js-inflater.ts (the readable reference) and zlib accept. Entry format: src/stream/inflate/deflate-format.ts.
// Ideas taken from ebiggers/libdeflate, lib/decompress_template.h at a0fead590bbd: entries whose low bits are the whole shift,
// refills without a branch, several literals for one refill, looking up the next entry before the match is copied.
import { allocate } from './memory';

const HISTORY_SIZE: u32 = 32768;
/** What one pull gives at most, margin included; a window that keeps the output of several pulls is a multiple of it. */
const PULL_SIZE: u32 = 512 * 1024;
const INPUT_SIZE: u32 = 256 * 1024;
/** Behind the limit: 2 literals, the longest match, and what a copy of 16 bytes at a time writes too much. */
const OUTPUT_MARGIN: u32 = 320;
/** A pull begins with at least this much room, so that moving the history costs little. */
const LEAST_ROOM: u32 = PULL_SIZE / 2;
/** One round of the fast loop takes at most three refills: 2 * 7 bytes on, 8 read. */
const INPUT_MARGIN: u32 = 32;

const LITLEN_BITS: u32 = 11;
const DISTANCE_BITS: u32 = 8;
const PRECODE_BITS: u32 = 7;
// The most entries that a complete code can need (zlib's examples/enough.c): 288 symbols, 11 bits: 2342; 32 symbols, 8 bits: 402.
const LITLEN_ENTRIES: u32 = 2400;
const DISTANCE_ENTRIES: u32 = 448;
const PRECODE_ENTRIES: u32 = 128;
const MAX_CODE_LENGTH: u32 = 15;

const LITERAL: u32 = 1 << 31;
const SPECIAL: u32 = 1 << 15;
const SUBTABLE: u32 = SPECIAL | (1 << 14);
const END: u32 = SPECIAL | (1 << 13);
const INVALID: u32 = SPECIAL;

const BLOCK_HEADER: u32 = 0;
const STORED_HEADER: u32 = 1;
const STORED: u32 = 2;
const DYNAMIC_HEADER: u32 = 3;
const PRECODE_LENGTHS: u32 = 4;
const CODE_LENGTHS: u32 = 5;
const SYMBOLS: u32 = 6;
const ENDED: u32 = 7;
const FAILED: u32 = 8;

// Why a stream was refused; the same numbers are in src/relocation/engines/wasm/wasm-inflater.ts.
const PROBLEM_BLOCK_TYPE: u32 = 1;
const PROBLEM_STORED_LENGTH: u32 = 2;
const PROBLEM_LITLEN_COUNT: u32 = 3;
const PROBLEM_DISTANCE_COUNT: u32 = 4;
const PROBLEM_PRECODE: u32 = 5;
const PROBLEM_REPEAT_FIRST: u32 = 6;
const PROBLEM_REPEAT_BEYOND: u32 = 7;
const PROBLEM_NO_END: u32 = 8;
const PROBLEM_LITLEN_CODE: u32 = 9;
const PROBLEM_DISTANCE_CODE: u32 = 10;
const PROBLEM_LITLEN_SYMBOL: u32 = 11;
const PROBLEM_DISTANCE_SYMBOL: u32 = 12;
const PROBLEM_TOO_FAR: u32 = 13;

@unmanaged
class Inflate {
  /** Bits taken from the input and not used yet, the first one lowest; none above `bits`. */
  hold: u64;
  bits: u32;
  state: u32;
  isFinal: u32;
  problem: u32;
  input: usize;
  inputEnd: usize;
  /** Where output goes next, where that of this pull began, and the oldest byte that a match may reach. */
  write: usize;
  start: usize;
  oldest: usize;
  outputLimit: usize;
  storedLeft: u32;
  litlenCount: u32;
  distanceCount: u32;
  precodeCount: u32;
  have: u32;
  /** The tables in use: those of the dynamic block, or the fixed ones. */
  litlen: usize;
  distances: usize;
  dynamicLitlen: usize;
  dynamicDistances: usize;
  fixedLitlen: usize;
  fixedDistances: usize;
  precode: usize;
  lengths: usize;
  inputBuffer: usize;
  history: usize;
  windowEnd: usize;
}

// Tables that all inflaters of an instance share, made with the first one.
let litlenSymbols: usize = 0;
let distanceSymbols: usize = 0;
let precodeSymbols: usize = 0;
/** 16 rows of 16: row d repeats 0 … d-1, for matches that overlap themselves; then 16 bytes: by how much such a copy advances. */
let patterns: usize = 0;
let strides: usize = 0;
// Scratch of buildTable.
let counts: usize = 0;
let places: usize = 0;
let sorted: usize = 0;

function makeShared(): bool {
  const base = allocate((288 + 32 + 19) * 4 + 4 + 17 * 16 + 64 + 72 + 640);
  if (base == 0) return false;
  litlenSymbols = base;
  distanceSymbols = litlenSymbols + 288 * 4;
  precodeSymbols = distanceSymbols + 32 * 4;
  patterns = precodeSymbols + 20 * 4;
  strides = patterns + 16 * 16;
  counts = strides + 16;
  places = counts + 64;
  sorted = places + 72;

  for (let byte: u32 = 0; byte < 256; byte++) store<u32>(litlenSymbols + byte * 4, LITERAL | (byte << 16));
  store<u32>(litlenSymbols + 256 * 4, END);
  rangedSymbols(litlenSymbols + 257 * 4, 3, 28, 4);
  store<u32>(litlenSymbols + 285 * 4, 258 << 16);
  store<u32>(litlenSymbols + 286 * 4, INVALID);
  store<u32>(litlenSymbols + 287 * 4, INVALID);
  rangedSymbols(distanceSymbols, 1, 30, 2);
  store<u32>(distanceSymbols + 30 * 4, INVALID);
  store<u32>(distanceSymbols + 31 * 4, INVALID);
  for (let symbol: u32 = 0; symbol < 19; symbol++) {
    const extra: u32 = symbol < 16 ? 0 : symbol == 16 ? 2 : symbol == 17 ? 3 : 7;
    store<u32>(precodeSymbols + symbol * 4, (symbol << 16) | extra);
  }
  for (let distance: u32 = 1; distance < 16; distance++) {
    for (let i: u32 = 0; i < 16; i++) store<u8>(patterns + distance * 16 + i, <u8>(i % distance));
    store<u8>(strides + distance, <u8>(16 - (16 % distance)));
  }
  return true;
}

function rangedSymbols(at: usize, first: u32, count: u32, perStep: u32): void {
  let base = first;
  for (let i: u32 = 0; i < count; i++) {
    const step = i / perStep;
    const extra: u32 = step > 1 ? step - 1 : 0;
    store<u32>(at + i * 4, (base << 16) | extra);
    base += 1 << extra;
  }
}

/** Makes a decoder with a window of so many pulls; 0 when the memory cannot grow. It is there for the life of the instance. */
export function inflateCreate(pulls: u32): usize {
  if (patterns == 0 && !makeShared()) return 0;
  const headSize: u32 = (offsetof<Inflate>() + 63) & ~63;
  const tables: u32 = 2 * (LITLEN_ENTRIES + DISTANCE_ENTRIES) + PRECODE_ENTRIES;
  const size = headSize + tables * 4 + 320 + INPUT_SIZE + HISTORY_SIZE + pulls * PULL_SIZE + 64;
  const base = allocate(size);
  if (base == 0) return 0;
  const self = changetype<Inflate>(base);
  let next: usize = base + headSize;
  self.dynamicLitlen = next;
  next += LITLEN_ENTRIES * 4;
  self.dynamicDistances = next;
  next += DISTANCE_ENTRIES * 4;
  self.fixedLitlen = next;
  next += LITLEN_ENTRIES * 4;
  self.fixedDistances = next;
  next += DISTANCE_ENTRIES * 4;
  self.precode = next;
  next += PRECODE_ENTRIES * 4;
  self.lengths = next;
  next += 320;
  self.inputBuffer = next;
  next += INPUT_SIZE;
  self.history = next;
  self.windowEnd = next + HISTORY_SIZE + pulls * PULL_SIZE;
  makeFixedTables(self);
  inflateReset(base);
  return base;
}

function makeFixedTables(self: Inflate): void {
  const lengths = self.lengths;
  memory.fill(lengths, 8, 144);
  memory.fill(lengths + 144, 9, 112);
  memory.fill(lengths + 256, 7, 24);
  memory.fill(lengths + 280, 8, 8);
  buildTable(self.fixedLitlen, LITLEN_BITS, LITLEN_ENTRIES, litlenSymbols, lengths, 288, true);
  memory.fill(lengths, 5, 32);
  buildTable(self.fixedDistances, DISTANCE_BITS, DISTANCE_ENTRIES, distanceSymbols, lengths, 32, true);
}

/** Begins another stream. */
export function inflateReset(pointer: usize): void {
  const self = changetype<Inflate>(pointer);
  const windowStart = self.history + HISTORY_SIZE;
  self.hold = 0;
  self.bits = 0;
  self.state = BLOCK_HEADER;
  self.isFinal = 0;
  self.problem = 0;
  self.input = self.inputBuffer;
  self.inputEnd = self.inputBuffer;
  self.write = windowStart;
  self.start = windowStart;
  self.oldest = windowStart;
  self.outputLimit = windowStart + PULL_SIZE - OUTPUT_MARGIN;
}

/** Where the host puts input, and how much fits. */
export function inflateInput(pointer: usize): usize {
  return changetype<Inflate>(pointer).inputBuffer;
}

export function inflateInputCapacity(): u32 {
  return INPUT_SIZE;
}

/** Says that `size` bytes of input are in place; those before must be used up. */
export function inflateOffer(pointer: usize, size: u32): void {
  const self = changetype<Inflate>(pointer);
  self.input = self.inputBuffer;
  self.inputEnd = self.inputBuffer + (size < INPUT_SIZE ? size : INPUT_SIZE);
}

/** Input bytes not used yet; right after a run that ended or that wants input. */
export function inflateUnused(pointer: usize): u32 {
  const self = changetype<Inflate>(pointer);
  return <u32>(self.inputEnd - self.input);
}

/** Makes room: from here on output is collected for one pull, which writes less than `inflatePullSize` bytes behind `inflateOutput`. */
export function inflateBegin(pointer: usize): void {
  const self = changetype<Inflate>(pointer);
  const limit: usize = self.windowEnd - OUTPUT_MARGIN;
  if (self.write + LEAST_ROOM > limit) {
    const windowStart = self.history + HISTORY_SIZE;
    const distance = self.write - windowStart;
    memory.copy(self.history, self.write - HISTORY_SIZE, HISTORY_SIZE);
    self.oldest = self.oldest - self.history > distance ? self.oldest - distance : self.history;
    self.write = windowStart;
  }
  self.start = self.write;
  const end: usize = self.write + PULL_SIZE - OUTPUT_MARGIN;
  self.outputLimit = end < limit ? end : limit;
}

export function inflatePullSize(): u32 {
  return PULL_SIZE;
}

export function inflateOutput(pointer: usize): usize {
  return changetype<Inflate>(pointer).start;
}

export function inflateOutputSize(pointer: usize): u32 {
  const self = changetype<Inflate>(pointer);
  return <u32>(self.write - self.start);
}

/** Decodes. 0: more input is wanted; 1: the window is full; 2: the stream has ended; negative: refused, the number of the problem. */
export function inflateRun(pointer: usize): i32 {
  const self = changetype<Inflate>(pointer);
  while (self.write < self.outputLimit) {
    if (!step(self)) {
      if (self.state == ENDED) return 2;
      return self.state == FAILED ? -(<i32>self.problem) : 0;
    }
  }
  return self.state == ENDED ? 2 : 1;
}

/** Does one step of the format; false when it wants input, has ended or has failed. */
function step(self: Inflate): bool {
  switch (self.state) {
    case BLOCK_HEADER:
      return readBlockHeader(self);
    case STORED_HEADER:
      return readStoredHeader(self);
    case STORED:
      return copyStored(self);
    case DYNAMIC_HEADER:
      return readDynamicHeader(self);
    case PRECODE_LENGTHS:
      return readPrecodeLengths(self);
    case CODE_LENGTHS:
      return readCodeLengths(self);
    case SYMBOLS:
      return decodeSymbols(self);
    default:
      return false;
  }
}

function fail(self: Inflate, problem: u32): bool {
  self.state = FAILED;
  self.problem = problem;
  return false;
}

/** Takes as many whole bytes as fit. At least 57 bits are there afterwards, unless the input is used up. */
function fill(self: Inflate): void {
  while (self.bits <= 56 && self.input < self.inputEnd) {
    self.hold |= (<u64>load<u8>(self.input)) << self.bits;
    self.input++;
    self.bits += 8;
  }
}

function take(self: Inflate, count: u32): u32 {
  const value = <u32>(self.hold & (((<u64>1) << count) - 1));
  self.hold >>= count;
  self.bits -= count;
  return value;
}

function readBlockHeader(self: Inflate): bool {
  fill(self);
  if (self.bits < 3) return false;
  self.isFinal = take(self, 1);
  const type = take(self, 2);
  if (type == 0) {
    take(self, self.bits & 7);
    self.state = STORED_HEADER;
  } else if (type == 1) {
    self.litlen = self.fixedLitlen;
    self.distances = self.fixedDistances;
    self.state = SYMBOLS;
  } else if (type == 2) {
    self.state = DYNAMIC_HEADER;
  } else {
    return fail(self, PROBLEM_BLOCK_TYPE);
  }
  return true;
}

/** Whole bytes that were taken too early go back. They come from the input at hand: bits from before were used up first. */
function giveBack(self: Inflate): void {
  const have: usize = self.input - self.inputBuffer;
  const back: usize = self.bits >> 3;
  self.input -= back < have ? back : have;
  self.hold = 0;
  self.bits = 0;
}

function endBlock(self: Inflate): void {
  self.state = self.isFinal ? ENDED : BLOCK_HEADER;
  if (self.isFinal) giveBack(self);
}

function readStoredHeader(self: Inflate): bool {
  fill(self);
  if (self.bits < 32) return false;
  const length = take(self, 16);
  const check = take(self, 16);
  if (length != (check ^ 0xffff)) return fail(self, PROBLEM_STORED_LENGTH);
  giveBack(self);
  self.storedLeft = length;
  self.state = STORED;
  return true;
}

function copyStored(self: Inflate): bool {
  let count = self.storedLeft;
  const available = <u32>(self.inputEnd - self.input);
  const room = <u32>(self.outputLimit - self.write);
  if (count > available) count = available;
  if (count > room) count = room;
  memory.copy(self.write, self.input, count);
  self.input += count;
  self.write += count;
  self.storedLeft -= count;
  if (self.storedLeft == 0) endBlock(self);
  else if (count == 0) return false;
  return true;
}

function readDynamicHeader(self: Inflate): bool {
  fill(self);
  if (self.bits < 14) return false;
  self.litlenCount = take(self, 5) + 257;
  self.distanceCount = take(self, 5) + 1;
  self.precodeCount = take(self, 4) + 4;
  if (self.litlenCount > 286) return fail(self, PROBLEM_LITLEN_COUNT);
  if (self.distanceCount > 30) return fail(self, PROBLEM_DISTANCE_COUNT);
  memory.fill(self.lengths, 0, 19);
  self.have = 0;
  self.state = PRECODE_LENGTHS;
  return true;
}

/** The order in which precode lengths are sent: 16 17 18 0 8 7 9 6 10 5 11 4 12 3 13 2 14 1 15. */
function precodeSymbolAt(index: u32): u32 {
  if (index < 3) return 16 + index;
  if (index == 3) return 0;
  const step = index >> 1;
  return index & 1 ? 9 - step : 6 + step;
}

function readPrecodeLengths(self: Inflate): bool {
  while (self.have < self.precodeCount) {
    fill(self);
    if (self.bits < 3) return false;
    store<u8>(self.lengths + precodeSymbolAt(self.have), <u8>take(self, 3));
    self.have++;
  }
  if (!buildTable(self.precode, PRECODE_BITS, PRECODE_ENTRIES, precodeSymbols, self.lengths, 19, false)) {
    return fail(self, PROBLEM_PRECODE);
  }
  self.have = 0;
  self.state = CODE_LENGTHS;
  return true;
}

function readCodeLengths(self: Inflate): bool {
  const wanted = self.litlenCount + self.distanceCount;
  const lengths = self.lengths;
  while (self.have < wanted) {
    if (self.bits < 14) fill(self);
    const entry = load<u32>(self.precode + (<u32>self.hold & ((1 << PRECODE_BITS) - 1)) * 4);
    const total = entry & 63;
    if (total > self.bits) return false;
    const symbol = entry >> 16;
    const extra = take(self, total) >> ((entry >> 8) & 15);
    let have = self.have;
    if (symbol < 16) {
      store<u8>(lengths + have, <u8>symbol);
      self.have = have + 1;
      continue;
    }
    if (symbol == 16 && have == 0) return fail(self, PROBLEM_REPEAT_FIRST);
    const value: u8 = symbol == 16 ? load<u8>(lengths + have - 1) : 0;
    const end = have + extra + (symbol == 18 ? 11 : 3);
    if (end > wanted) return fail(self, PROBLEM_REPEAT_BEYOND);
    while (have < end) store<u8>(lengths + have++, value);
    self.have = end;
  }
  return startDynamicBlock(self);
}

function startDynamicBlock(self: Inflate): bool {
  const lengths = self.lengths;
  const litlens = self.litlenCount;
  if (load<u8>(lengths + 256) == 0) return fail(self, PROBLEM_NO_END);
  self.litlen = self.dynamicLitlen;
  self.distances = self.dynamicDistances;
  if (!buildTable(self.litlen, LITLEN_BITS, LITLEN_ENTRIES, litlenSymbols, lengths, litlens, true)) {
    return fail(self, PROBLEM_LITLEN_CODE);
  }
  const distances = lengths + litlens;
  if (
    !buildTable(
      self.distances,
      DISTANCE_BITS,
      DISTANCE_ENTRIES,
      distanceSymbols,
      distances,
      self.distanceCount,
      true,
    )
  ) {
    return fail(self, PROBLEM_DISTANCE_CODE);
  }
  self.state = SYMBOLS;
  return true;
}

function withLength(entry: u32, length: u32): u32 {
  return entry + ((length << 8) | length);
}

/** The code after `code` among codes of `length` bits, both with the first bit lowest. */
function nextCode(code: u32, length: u32): u32 {
  const zeros = code ^ ((1 << length) - 1);
  if (zeros == 0) return code;
  const bit: u32 = 1 << (31 - clz(zeros));
  return (code & (bit - 1)) | bit;
}

/** Fills a decode table (see src/stream/inflate/decode-table.ts); false where the code is over-subscribed or incomplete. */
function buildTable(
  entries: usize,
  mainBits: u32,
  capacity: u32,
  symbols: usize,
  lengths: usize,
  symbolCount: u32,
  mayBeIncomplete: bool,
): bool {
  memory.fill(counts, 0, 64);
  for (let i: u32 = 0; i < symbolCount; i++) {
    const at = counts + <u32>load<u8>(lengths + i) * 4;
    store<u32>(at, load<u32>(at) + 1);
  }
  let free: i32 = 1;
  store<u32>(places + 4, 0);
  for (let length: u32 = 1; length <= MAX_CODE_LENGTH; length++) {
    const count = load<u32>(counts + length * 4);
    free = free * 2 - <i32>count;
    if (free < 0) return false;
    store<u32>(places + (length + 1) * 4, load<u32>(places + length * 4) + count);
  }
  const used = load<u32>(places + 16 * 4);
  for (let symbol: u32 = 0; symbol < symbolCount; symbol++) {
    const length = <u32>load<u8>(lengths + symbol);
    if (length == 0) continue;
    const at = places + length * 4;
    const place = load<u32>(at);
    store<u16>(sorted + place * 2, <u16>symbol);
    store<u32>(at, place + 1);
  }
  if (free > 0) {
    // Only no code at all, or one code of one bit, may be incomplete.
    if (!mayBeIncomplete || used > 1 || used != load<u32>(counts + 4)) return false;
    const invalid = withLength(INVALID, 1);
    const only = used == 1 ? withLength(load<u32>(symbols + <u32>load<u16>(sorted) * 4), 1) : invalid;
    for (let i: u32 = 0; i < (<u32>1) << mainBits; i += 2) {
      store<u32>(entries + i * 4, only);
      store<u32>(entries + i * 4, invalid, 4);
    }
    return true;
  }

  // The main table grows by doubling, so that a short code is copied to all its places.
  let code: u32 = 0;
  let next = sorted;
  for (let length: u32 = 1; length <= mainBits; length++) {
    const half: u32 = 1 << (length - 1);
    if (half < 4)
      for (let i: u32 = 0; i < half; i++) store<u32>(entries + (half + i) * 4, load<u32>(entries + i * 4));
    else
      for (let i: u32 = 0; i < half; i += 4) v128.store(entries + (half + i) * 4, v128.load(entries + i * 4));
    for (let left = load<u32>(counts + length * 4); left > 0; left--) {
      const symbol = <u32>load<u16>(next);
      next += 2;
      store<u32>(entries + code * 4, withLength(load<u32>(symbols + symbol * 4), length));
      code = nextCode(code, length);
    }
  }

  const mainMask: u32 = (1 << mainBits) - 1;
  let prefix: u32 = u32.MAX_VALUE;
  let begin: u32 = 0;
  let end: u32 = mainMask + 1;
  for (let length = mainBits + 1; length <= MAX_CODE_LENGTH; length++) {
    for (let left = load<u32>(counts + length * 4); left > 0; left--) {
      if ((code & mainMask) != prefix) {
        prefix = code & mainMask;
        let bits = length - mainBits;
        let filled = left;
        while (filled < (<u32>1) << bits) {
          bits++;
          filled = filled * 2 + load<u32>(counts + (mainBits + bits) * 4);
        }
        begin = end;
        end += 1 << bits;
        if (end > capacity) return false; // cannot happen with a complete code
        store<u32>(entries + prefix * 4, SUBTABLE | (begin << 16) | (bits << 8) | mainBits);
      }
      const symbol = <u32>load<u16>(next);
      next += 2;
      const entry = withLength(load<u32>(symbols + symbol * 4), length - mainBits);
      const stride: u32 = 1 << (length - mainBits);
      for (let i = begin + (code >> mainBits); i < end; i += stride) store<u32>(entries + i * 4, entry);
      code = nextCode(code, length);
    }
  }
  return true;
}

/** Decodes until the block or the room ends (true), or the input does or is refused (false). */
function decodeSymbols(self: Inflate): bool {
  while (self.state == SYMBOLS && self.write < self.outputLimit) {
    const isFast = self.inputEnd - self.input >= INPUT_MARGIN;
    if (isFast ? !decodeFast(self) : !decodeOne(self)) return false;
  }
  return true;
}

/** Decodes one literal or one whole match at the end of the input; takes nothing when it is cut off. */
function decodeOne(self: Inflate): bool {
  fill(self);
  let hold = self.hold;
  const bits = self.bits;
  let entry = load<u32>(self.litlen + (<u32>hold & ((1 << LITLEN_BITS) - 1)) * 4);
  let used: u32 = 0;
  if ((entry & SUBTABLE) == SUBTABLE) {
    hold >>= LITLEN_BITS;
    used = LITLEN_BITS;
    entry = load<u32>(self.litlen + ((entry >> 16) + (<u32>hold & ((1 << ((entry >> 8) & 15)) - 1))) * 4);
  }
  used += entry & 63;
  if (used > bits) return false;
  if (<i32>entry < 0) {
    store<u8>(self.write, <u8>(entry >> 16));
    self.write++;
    self.hold >>= used;
    self.bits -= used;
    return true;
  }
  if (entry & SPECIAL) {
    if ((entry & END) != END) return fail(self, PROBLEM_LITLEN_SYMBOL);
    self.hold >>= used;
    self.bits -= used;
    endBlock(self);
    return true;
  }
  const length = (entry >> 16) + (<u32>(hold & (((<u64>1) << (entry & 63)) - 1)) >> ((entry >> 8) & 15));
  hold >>= entry & 63;

  entry = load<u32>(self.distances + (<u32>hold & ((1 << DISTANCE_BITS) - 1)) * 4);
  if ((entry & SUBTABLE) == SUBTABLE) {
    hold >>= DISTANCE_BITS;
    used += DISTANCE_BITS;
    entry = load<u32>(self.distances + ((entry >> 16) + (<u32>hold & ((1 << ((entry >> 8) & 15)) - 1))) * 4);
  }
  used += entry & 63;
  if (used > bits) return false;
  if (entry & SPECIAL) return fail(self, PROBLEM_DISTANCE_SYMBOL);
  const distance = (entry >> 16) + (<u32>(hold & (((<u64>1) << (entry & 63)) - 1)) >> ((entry >> 8) & 15));
  if (self.write - self.oldest < distance) return fail(self, PROBLEM_TOO_FAR);
  self.hold >>= used;
  self.bits -= used;
  copyMatch(self.write, distance, length);
  self.write += length;
  return true;
}

/** Copies 16 bytes at a time and may write 15 too many. A match that overlaps itself within 16 bytes is a pattern that repeats. */
function copyMatch(target: usize, distance: u32, length: u32): void {
  let to = target;
  const end = to + length;
  let from = to - distance;
  if (distance >= 16) {
    do {
      v128.store(to, v128.load(from));
      to += 16;
      from += 16;
    } while (to < end);
  } else {
    const pattern = v128.swizzle(v128.load(from), v128.load(patterns + distance * 16));
    const stride = <u32>load<u8>(strides + distance);
    do {
      v128.store(to, pattern);
      to += stride;
    } while (to < end);
  }
}

/**
 * Decodes whole symbols while a round can neither run out of input nor out of room; false where the stream is refused.
 *
 * A refill reads 8 bytes and counts as many as fit: 56 bits at least. Bits above are the right ones and are read again.
 * Shifts take the lowest 6 bits of their count, so an entry is a shift by all its bits, `entry >> 8` one by its code alone,
 * and the upper bits of `bits` may hold anything.
 */
function decodeFast(self: Inflate): bool {
  const litlen = self.litlen;
  const distances = self.distances;
  const oldest = self.oldest;
  const inputLimit = self.inputEnd - INPUT_MARGIN;
  const outputLimit = self.outputLimit;
  let input = self.input;
  let write = self.write;
  let hold: u64 = self.hold;
  let bits: u64 = <u64>self.bits;
  let saved: u64;
  let problem: u32 = 0;

  hold |= load<u64>(input) << bits;
  input += <usize>(7 - ((bits >> 3) & 7));
  bits |= 56;
  let entry: u64 = <u64>load<u32>(litlen + ((<u32>hold & ((1 << LITLEN_BITS) - 1)) << 2));
  for (;;) {
    saved = hold;
    hold >>= entry;
    bits -= entry;
    if (<i32>entry < 0) {
      // Two literals and a length have at most 11 + 11 + 20 bits.
      store<u8>(write, <u8>(entry >> 16));
      entry = <u64>load<u32>(litlen + ((<u32>hold & ((1 << LITLEN_BITS) - 1)) << 2));
      saved = hold;
      hold >>= entry;
      bits -= entry;
      write++;
      if (<i32>entry < 0) {
        store<u8>(write, <u8>(entry >> 16));
        entry = <u64>load<u32>(litlen + ((<u32>hold & ((1 << LITLEN_BITS) - 1)) << 2));
        saved = hold;
        hold >>= entry;
        bits -= entry;
        write++;
        if (<i32>entry < 0) {
          store<u8>(write, <u8>(entry >> 16));
          write++;
          hold |= load<u64>(input) << bits;
          input += <usize>(7 - ((bits >> 3) & 7));
          bits |= 56;
          entry = <u64>load<u32>(litlen + ((<u32>hold & ((1 << LITLEN_BITS) - 1)) << 2));
          if (input <= inputLimit && write < outputLimit) continue;
          break;
        }
      }
    }
    if (<u32>entry & SPECIAL) {
      if ((<u32>entry & SUBTABLE) == SUBTABLE) {
        const mask = ((<u32>1) << ((<u32>entry >> 8) & 15)) - 1;
        entry = <u64>load<u32>(litlen + ((<u32>(entry >> 16) + (<u32>hold & mask)) << 2));
        saved = hold;
        hold >>= entry;
        bits -= entry;
        if (<i32>entry < 0) {
          store<u8>(write, <u8>(entry >> 16));
          write++;
          hold |= load<u64>(input) << bits;
          input += <usize>(7 - ((bits >> 3) & 7));
          bits |= 56;
          entry = <u64>load<u32>(litlen + ((<u32>hold & ((1 << LITLEN_BITS) - 1)) << 2));
          if (input <= inputLimit && write < outputLimit) continue;
          break;
        }
      }
      if (<u32>entry & SPECIAL) {
        problem = (<u32>entry & END) == END ? u32.MAX_VALUE : PROBLEM_LITLEN_SYMBOL;
        break;
      }
    }
    const length = <u32>(entry >> 16) + <u32>((saved & (((<u64>1) << entry) - 1)) >> (entry >> 8));

    // At least 14 bits are left, enough to look the distance up while the refill is under way.
    entry = <u64>load<u32>(distances + ((<u32>hold & ((1 << DISTANCE_BITS) - 1)) << 2));
    hold |= load<u64>(input) << bits;
    input += <usize>(7 - ((bits >> 3) & 7));
    bits |= 56;
    if (<u32>entry & SPECIAL) {
      if ((<u32>entry & SUBTABLE) == SUBTABLE) {
        const mask = ((<u32>1) << ((<u32>entry >> 8) & 15)) - 1;
        hold >>= DISTANCE_BITS;
        bits -= DISTANCE_BITS;
        entry = <u64>load<u32>(distances + ((<u32>(entry >> 16) + (<u32>hold & mask)) << 2));
      }
      if (<u32>entry & SPECIAL) {
        problem = PROBLEM_DISTANCE_SYMBOL;
        break;
      }
    }
    saved = hold;
    hold >>= entry;
    bits -= entry;
    const distance = <u32>(entry >> 16) + <u32>((saved & (((<u64>1) << entry) - 1)) >> (entry >> 8));
    if (<u32>(write - oldest) < distance) {
      problem = PROBLEM_TOO_FAR;
      break;
    }
    // At least 28 bits are left, enough to look the next entry up while the match is copied.
    entry = <u64>load<u32>(litlen + ((<u32>hold & ((1 << LITLEN_BITS) - 1)) << 2));
    hold |= load<u64>(input) << bits;
    input += <usize>(7 - ((bits >> 3) & 7));
    bits |= 56;
    // As in copyMatch.
    const end = write + length;
    let from = write - distance;
    if (distance >= 16) {
      do {
        v128.store(write, v128.load(from));
        write += 16;
        from += 16;
      } while (write < end);
    } else {
      const pattern = v128.swizzle(v128.load(from), v128.load(patterns + distance * 16));
      const stride = <u32>load<u8>(strides + distance);
      do {
        v128.store(write, pattern);
        write += stride;
      } while (write < end);
    }
    write = end;
    if (input > inputLimit || write >= outputLimit) break;
  }

  self.input = input;
  self.bits = <u32>bits & 63;
  self.hold = hold & (((<u64>1) << bits) - 1);
  self.write = write;
  if (problem == 0) return true;
  if (problem != u32.MAX_VALUE) return fail(self, problem);
  endBlock(self);
  return true;
}
