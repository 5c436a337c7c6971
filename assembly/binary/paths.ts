// Paths as Python's `posixpath` treats them (in TypeScript: src/relocation/names/normalize-path.ts).

const SLASH: u8 = 0x2f;
const DOT: u8 = 0x2e;

/** The end of the component that begins at `at`. */
function componentEnd(path: usize, length: i32, at: i32): i32 {
  let end = at;
  while (end < length && load<u8>(path + end) != SLASH) end++;
  return end;
}

function isDots(component: usize, length: i32, count: i32): bool {
  if (length != count) return false;
  for (let i = 0; i < count; i++) if (load<u8>(component + i) != DOT) return false;
  return true;
}

/**
 * Python's `normpath`: no `.`, no empty component, `..` resolved; exactly two leading slashes stay two. Writes at most `length` bytes, or one;
 * returns how many.
 */
export function normalizePath(path: usize, length: i32, out: usize): i32 {
  let root = 0;
  while (root < length && load<u8>(path + root) == SLASH) root++;
  const slashes = root == 2 ? 2 : root > 0 ? 1 : 0;
  memory.fill(out, SLASH, slashes);
  let end = slashes;
  /** Components that `..` can remove. */
  let depth = 0;
  for (let at = root; at < length; ) {
    const next = componentEnd(path, length, at);
    const size = next - at;
    if (isDots(path + at, size, 2) && depth > 0) {
      end = parentEnd(out, end, slashes);
      depth--;
    } else if (size > 0 && !isDots(path + at, size, 1) && !(isDots(path + at, size, 2) && slashes > 0)) {
      if (!isDots(path + at, size, 2)) depth++;
      if (end > slashes) store<u8>(out + end++, SLASH);
      memory.copy(out + end, path + at, size);
      end += size;
    }
    at = next + 1;
  }
  if (end > 0) return end;
  store<u8>(out, DOT);
  return 1;
}

function parentEnd(path: usize, length: i32, root: i32): i32 {
  let end = length;
  while (end > root && load<u8>(path + end - 1) != SLASH) end--;
  return max(end - 1, root);
}

function skipSlashes(path: usize, length: i32): i32 {
  let at = 0;
  while (at < length && load<u8>(path + at) == SLASH) at++;
  return at;
}

/** Python's `relpath` of two normal paths. Writes at most three bytes for each component of `start`, and the path; returns how many. */
export function relativePath(path: usize, length: i32, start: usize, startLength: i32, out: usize): i32 {
  let at = skipSlashes(path, length);
  let from = skipSlashes(start, startLength);
  while (at < length && from < startLength) {
    const end = componentEnd(path, length, at);
    const fromEnd = componentEnd(start, startLength, from);
    if (end - at != fromEnd - from || memory.compare(path + at, start + from, end - at) != 0) break;
    at = end + 1;
    from = fromEnd + 1;
  }
  let written = 0;
  for (; from < startLength; from = componentEnd(start, startLength, from) + 1) {
    if (written > 0) store<u8>(out + written++, SLASH);
    memory.fill(out + written, DOT, 2);
    written += 2;
  }
  if (at < length) {
    if (written > 0) store<u8>(out + written++, SLASH);
    memory.copy(out + written, path + at, length - at);
    written += length - at;
  }
  if (written > 0) return written;
  store<u8>(out, DOT);
  return 1;
}
