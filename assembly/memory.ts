// Memory of the module: a bump allocator above the static data. Nothing is freed; an instance serves one worker for its life.

let top: usize = (__heap_base + 63) & ~63;

/** Reserves `size` bytes, 64-byte aligned, growing the memory when needed. Returns 0 when it cannot grow. */
export function allocate(size: usize): usize {
  const pointer = top;
  const end = (pointer + size + 63) & ~63;
  if (end < pointer) return 0;
  const have = (<usize>memory.size()) << 16;
  if (end > have) {
    const pages = <i32>((end - have + 0xffff) >> 16);
    if (memory.grow(pages) < 0) return 0;
  }
  top = end;
  return pointer;
}

/** Where the next allocation would begin; with `release` it makes temporary memory possible. */
export function mark(): usize {
  return top;
}

/** Gives back everything allocated since `mark()`. */
export function release(pointer: usize): void {
  top = pointer;
}
