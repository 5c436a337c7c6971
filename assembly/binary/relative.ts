// Rpaths and names that are relative to the file (the rules are those of src/relocation/relative-rpath.ts): resolved where the file was, mapped,
// and made relative to where it will be.
import { mark, release } from '../memory';
import { addToSet, firstWith, hashOf, nextWith, openSet } from './hash-set';
import { originInto, reserve } from './host';
import { normalizePath, relativePath } from './paths';
import {
  COLON,
  entryEnd,
  LONGEST_STRING,
  mapPath,
  mappedAt,
  mappedLength,
  setMapped,
  setTooLong,
} from './rpath';

/** Whether the file's location is known, and its old and new directory; new paths that start with `root` become relative. */
export let hasOrigin: bool = false;
let old: usize = 0;
let oldLength: i32 = 0;
let fresh: usize = 0;
let freshLength: i32 = 0;
let root: usize = 0;
let rootLength: i32 = 0;

/** `$ORIGIN`, `${ORIGIN}`, `@loader_path` and `@rpath/`. */
const ORIGIN: usize = memory.data<u8>([0x24, 0x4f, 0x52, 0x49, 0x47, 0x49, 0x4e]);
const ORIGIN_LENGTH: i32 = 7;
const BRACED: usize = memory.data<u8>([0x24, 0x7b, 0x4f, 0x52, 0x49, 0x47, 0x49, 0x4e, 0x7d]);
const BRACED_LENGTH: i32 = 9;
const LOADER: usize = memory.data<u8>([
  0x40, 0x6c, 0x6f, 0x61, 0x64, 0x65, 0x72, 0x5f, 0x70, 0x61, 0x74, 0x68,
]);
const LOADER_LENGTH: i32 = 12;
const BY_RPATH: usize = memory.data<u8>([0x40, 0x72, 0x70, 0x61, 0x74, 0x68, 0x2f]);
const BY_RPATH_LENGTH: i32 = 7;

/** Asks the host for the location of the open file; a negative length means that it is unknown. */
export function openOrigin(oldSize: i32, newSize: i32, rootSize: i32): void {
  hasOrigin = oldSize >= 0;
  if (!hasOrigin) return;
  old = reserve(<u64>oldSize + newSize + rootSize);
  originInto(old);
  oldLength = oldSize;
  const newAt = old + oldSize;
  root = newAt + newSize;
  rootLength = rootSize;
  fresh = reserve(newSize + 1);
  freshLength = normalizePath(newAt, newSize, fresh);
}

function beginsWith(path: usize, length: i32, start: usize, startLength: i32): bool {
  return length >= startLength && memory.compare(path, start, startLength) == 0;
}

function hasToken(path: usize, length: i32, token: usize, tokenLength: i32): bool {
  if (!beginsWith(path, length, token, tokenLength)) return false;
  return length == tokenLength || load<u8>(path + tokenLength) == 0x2f;
}

// The absolute path that a relative one stood for, or the path itself.
let absoluteAt: usize = 0;
let absoluteLength: i32 = 0;

function resolve(path: usize, length: i32, isElf: bool): void {
  let tokenLength = 0;
  if (!isElf) tokenLength = hasToken(path, length, LOADER, LOADER_LENGTH) ? LOADER_LENGTH : 0;
  else if (hasToken(path, length, ORIGIN, ORIGIN_LENGTH)) tokenLength = ORIGIN_LENGTH;
  else if (hasToken(path, length, BRACED, BRACED_LENGTH)) tokenLength = BRACED_LENGTH;
  absoluteAt = path;
  absoluteLength = length;
  if (tokenLength == 0) return;
  const size = oldLength + length - tokenLength;
  const joined = reserve(size);
  memory.copy(joined, old, oldLength);
  memory.copy(joined + oldLength, path + tokenLength, length - tokenLength);
  absoluteAt = reserve(size + 1);
  absoluteLength = normalizePath(joined, size, absoluteAt);
}

/** Maps the result of `resolve`; false if no mapping matches. */
function mapResolved(): bool {
  if (!mapPath(absoluteAt, absoluteLength)) return false;
  absoluteAt = mappedAt;
  absoluteLength = mappedLength;
  return true;
}

/** Makes the result of `resolve` relative if it is below the root. */
function makeRelative(isElf: bool): void {
  if (!beginsWith(absoluteAt, absoluteLength, root, rootLength)) return;
  const token = isElf ? ORIGIN : LOADER;
  const tokenLength = isElf ? ORIGIN_LENGTH : LOADER_LENGTH;
  const path = reserve(absoluteLength + 1);
  const length = normalizePath(absoluteAt, absoluteLength, path);
  // Each component that is dropped takes at least a slash.
  const out = reserve(<u64>tokenLength + 1 + 3 * <u64>freshLength + length + 1);
  memory.copy(out, token, tokenLength);
  store<u8>(out + tokenLength, 0x2f);
  absoluteLength = tokenLength + 1 + relativePath(path, length, fresh, freshLength, out + tokenLength + 1);
  absoluteAt = out;
}

/** The new name in a load command, unlike that of the library itself. */
export function mapRelativeName(name: usize, length: i32): void {
  resolve(name, length, false);
  mapResolved();
  makeRelative(false);
  setMapped(absoluteAt, absoluteLength);
}

/** The new name of a library itself: found by rpath when it is below the new root; false if no mapping matches. */
export function mapRelativeIdentity(name: usize, length: i32): bool {
  if (!mapPath(name, length)) return false;
  if (!beginsWith(mappedAt, mappedLength, root, rootLength)) return true;
  let start = mappedLength;
  while (start > 0 && load<u8>(mappedAt + start - 1) != 0x2f) start--;
  const size = mappedLength - start;
  const out = reserve(BY_RPATH_LENGTH + size);
  memory.copy(out, BY_RPATH, BY_RPATH_LENGTH);
  memory.copy(out + BY_RPATH_LENGTH, mappedAt + start, size);
  setMapped(out, BY_RPATH_LENGTH + size);
  return true;
}

// The new rpath while it is being written.
let out: usize = 0;
let written: i32 = 0;

/** The new rpath of an ELF file, without empty entries and repeated mapped ones; false when every entry stays. */
export function mapRelativeRpath(rpath: usize, length: i32): bool {
  out = reserve(LONGEST_STRING + 1);
  written = 0;
  setTooLong(false);
  const plain = reserve(length + 1);
  let plainLength = 0;
  openSet((length >> 1) + 1);
  for (let start = 0; start <= length; ) {
    const end = entryEnd(rpath, length, start);
    if (end > start) {
      memory.copy(plain + plainLength, rpath + start, end - start);
      store<u8>(plain + plainLength + end - start, COLON);
      plainLength += end - start + 1;
      const before = mark();
      const fits = addEntry(rpath, start, end);
      release(before);
      if (!fits) {
        setTooLong(true);
        return true;
      }
    }
    start = end + 1;
  }
  setMapped(out, max(written - 1, 0));
  return written != plainLength || memory.compare(out, plain, written) != 0;
}

/** Adds an entry with a colon after it; false if the rpath becomes too long. */
function addEntry(rpath: usize, start: i32, end: i32): bool {
  resolve(rpath + start, end - start, true);
  const isMapped = mapResolved();
  const at = absoluteAt;
  const length = absoluteLength;
  if (isKnown(rpath, start, end) && isMapped) return true;
  absoluteAt = at;
  absoluteLength = length;
  makeRelative(true);
  if (<u64>written + absoluteLength > LONGEST_STRING) return false;
  memory.copy(out + written, absoluteAt, absoluteLength);
  store<u8>(out + written + absoluteLength, COLON);
  written += absoluteLength + 1;
  return true;
}

/** Whether an earlier entry leads to the same absolute path; if not, records the entry. Paths are not kept: there could be many. */
function isKnown(rpath: usize, start: i32, end: i32): bool {
  const at = absoluteAt;
  const length = absoluteLength;
  const hash = hashOf(at, length);
  for (let known = firstWith(hash); known >= 0; known = nextWith(hash)) {
    resolve(rpath + known, entryEnd(rpath, end, known) - known, true);
    mapResolved();
    if (absoluteLength == length && memory.compare(absoluteAt, at, length) == 0) return true;
  }
  addToSet(hash, start);
  return false;
}
