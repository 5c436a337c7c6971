// The host as the kernels for binaries see it: the file's bytes, hashes of some of them, and the list of edits that it keeps. Memory is
// temporary: a call's memory starts after the prefix mapping, and an aborted call (a trap, a source that throws) leaves nothing behind.
import { allocate, mark, release } from '../memory';

/** Copies bytes of the file to `pointer`; returns how many, fewer only at the file's end. */
declare function hostRead(offset: f64, length: i32, pointer: usize): i32;

/** Writes the location of the file: its old directory, the new one, and the root below which paths become relative. */
declare function hostOrigin(pointer: usize): void;

/** Hashes bytes of the file; the kind is that of a code directory. */
declare function hostHash(kind: i32, offset: f64, length: i32, pointer: usize): void;

/** Takes a copy of the bytes as the next edit; zeros if `pointer` is 0. */
declare function hostEdit(offset: f64, pointer: usize, length: i32): void;

/** Headers, program headers and the interpreter are mostly here: one read serves them all. */
const HEAD_SIZE: i32 = 4096;
const head: usize = memory.data(4096, 8);
let headLength: i32 = 0;

export let fileSize: u64 = 0;
/** The start of all memory, and of temporary memory: after the prefix mapping. */
let start: usize = 0;
let base: usize = 0;

/** Keeps everything reserved so far; the rest is temporary memory for each call. */
export function keepMemory(): void {
  base = mark();
}

/** Frees all memory, for another prefix mapping. */
export function resetMemory(): void {
  if (start == 0) start = mark();
  release(start);
}

/** Starts a call on a file. */
export function openFile(size: f64): void {
  release(base);
  fileSize = <u64>size;
  headLength = hostRead(0, HEAD_SIZE, head);
}

/** Allocates memory until the end of the call. The limits of the rules leave enough of it; a trap becomes a coded error. */
export function reserve(size: u64): usize {
  const pointer = size < 0x7fff0000 ? allocate(<usize>size) : 0;
  if (pointer == 0) unreachable();
  return pointer;
}

/** Extends the last allocation in place. */
export function extend(pointer: usize, size: u64): void {
  release(pointer);
  reserve(size);
}

/** Whether a range is inside the file. */
export function contains(offset: u64, size: u64): bool {
  return offset <= fileSize && size <= fileSize - offset;
}

/** Copies bytes of the file, from an offset not beyond its end; returns how many. */
export function read(offset: u64, length: i32, pointer: usize): i32 {
  if (offset + <u64>length <= <u64>headLength) {
    memory.copy(pointer, head + <usize>offset, length);
    return length;
  }
  return hostRead(<f64>offset, length, pointer);
}

export function originInto(pointer: usize): void {
  hostOrigin(pointer);
}

export function hash(kind: i32, offset: u64, length: i32, pointer: usize): void {
  hostHash(kind, <f64>offset, length, pointer);
}

export function edit(offset: u64, pointer: usize, length: i32): void {
  hostEdit(<f64>offset, pointer, length);
}

export function erase(offset: u64, length: u64): void {
  hostEdit(<f64>offset, 0, <i32>length);
}
