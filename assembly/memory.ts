// The module's memory: a bump allocator above the static data. Nothing is freed; an instance serves one worker for its life.

let top: usize = (__heap_base + 63) & ~63;
/** The end of an instance that uses a part of another one's memory; 0: it may grow the memory. */
let limit: usize = 0;

/** Limits this instance to a part of the memory: another one has the rest. */
export function confine(begin: usize, end: usize): void {
  top = begin;
  limit = end;
}

/** Reserves `size` bytes, 64-byte aligned, growing the memory when needed. Returns 0 when it cannot grow. */
export function allocate(size: usize): usize {
  const pointer = top;
  const end = (pointer + size + 63) & ~63;
  if (end < pointer || (limit != 0 && end > limit)) return 0;
  const have = (<usize>memory.size()) << 16;
  if (end > have) {
    const pages = <i32>((end - have + 0xffff) >> 16);
    if (memory.grow(pages) < 0) return 0;
  }
  top = end;
  return pointer;
}

/** Where the next allocation will begin; pass it to `release` to free temporary memory. */
export function mark(): usize {
  return top;
}

/** Frees everything allocated since `mark()`. */
export function release(pointer: usize): void {
  top = pointer;
}
