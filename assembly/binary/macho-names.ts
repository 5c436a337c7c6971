// New names in the load commands of a Mach-O slice (`mach-o/loader.h`; the rules are those of src/binfmt/macho/macho-names.ts): commands grow into the
// padding that linkers leave behind them, and move up; no other part of the file moves.
import { mark, release } from '../memory';
import { findByte } from './elf-format';
import { addToSet, firstWith, hashOf, nextWith, openSet } from './hash-set';
import { edit, openFile, read, reserve } from './host';
import {
  commandKind,
  commandSize,
  form,
  LC_ID_DYLIB,
  LC_RPATH,
  MACH_HEADER_SIZE,
  nameStart,
  readMacho,
  Slice,
  sliceAt,
  sliceCount,
} from './macho';
import { hasOrigin, mapRelativeIdentity, mapRelativeName, openOrigin } from './relative';
import { mapPath, mappedAt, mappedLength } from './rpath';

export const UNSUPPORTED: i32 = -1;
export const NO_ROOM: i32 = -2;

/** What a refusal is about. */
export let refusedForm: i32 = 0;
export let refusedSlice: f64 = 0;
export let missingRoom: f64 = 0;

/** Commands are aligned to this in 64 bit files. */
const ALIGNMENT: u64 = 8;

/** Gives the edits to the host; returns why the file is refused, or 0. */
export function patchMacho(size: f64, oldFolder: i32, newFolder: i32, root: i32): i32 {
  openFile(size);
  openOrigin(oldFolder, newFolder, root);
  readMacho();
  if (form != 0) {
    refusedForm = form;
    return UNSUPPORTED;
  }
  for (let i = 0; i < sliceCount; i++) {
    const before = mark();
    if (!rename(sliceAt(i))) return NO_ROOM;
    release(before);
  }
  return 0;
}

// The command that is looked at: its old name, and the value that it will have.
let isRenamed: bool = false;
let valueAt: usize = 0;
let valueLength: i32 = 0;

/** Finds out what a command becomes; false for one without a name. The value is there until memory is released. */
function lookAt(command: usize): bool {
  const at = nameStart(command);
  isRenamed = false;
  if (at == 0) return false;
  valueAt = command + at;
  valueLength = <i32>(commandSize(command) - at);
  const nul = findByte(0, valueAt, valueLength);
  if (nul >= 0) valueLength = nul;
  if (!mapName(commandKind(command))) return true;
  isRenamed = mappedLength != valueLength || memory.compare(mappedAt, valueAt, valueLength) != 0;
  valueAt = mappedAt;
  valueLength = mappedLength;
  return true;
}

/** Maps the name that is looked at; false where it stays. */
function mapName(kind: u32): bool {
  if (!hasOrigin) return mapPath(valueAt, valueLength);
  if (kind == LC_ID_DYLIB) return mapRelativeIdentity(valueAt, valueLength);
  mapRelativeName(valueAt, valueLength);
  return true;
}

/** The size of the command that was looked at. */
function newSize(command: usize): u64 {
  const size: u64 = commandSize(command);
  if (!isRenamed) return size;
  const end = <u64>nameStart(command) + valueLength + 1;
  return max(size, (end + ALIGNMENT - 1) & ~(ALIGNMENT - 1));
}

// What becomes of all commands of a slice.
let isChanged: bool = false;
let keptCount: u32 = 0;
let keptSize: u64 = 0;
/** 1 for a command that is dropped; by the place of the command in the head, in words. */
let dropped: usize = 0;

/** All new names or none; false where the room does not suffice. */
function rename(slice: Slice): bool {
  lookAtAll(slice);
  if (!isChanged) return true;
  const end = <u64>MACH_HEADER_SIZE + keptSize;
  const length: u64 = slice.headLength;
  if (end > slice.limit) return refuse(slice, end - slice.limit);
  if (end > length && !isPadding(slice.offset + length, <i32>(end - length)))
    return refuse(slice, end - length);
  const size = <i32>max(end, length);
  const bytes = reserve(size);
  memory.copy(bytes, slice.head, MACH_HEADER_SIZE);
  store<u32>(bytes, keptCount, 16);
  store<u32>(bytes, <u32>keptSize, 20);
  const written = writeAll(slice, bytes + MACH_HEADER_SIZE);
  memory.fill(written, 0, bytes + size - written);
  edit(slice.offset, bytes, size);
  return true;
}

function refuse(slice: Slice, missing: u64): bool {
  refusedSlice = <f64>slice.offset;
  missingRoom = <f64>missing;
  return false;
}

/** A second rpath of one value is dropped, since `dyld` refuses such files. */
function lookAtAll(slice: Slice): void {
  const end = slice.head + slice.headLength;
  isChanged = false;
  keptCount = 0;
  keptSize = 0;
  dropped = reserve(slice.headLength >> 2);
  openSet(slice.headLength >> 3);
  for (let command = slice.head + MACH_HEADER_SIZE; command < end; command += commandSize(command)) {
    const before = mark();
    const hasName = lookAt(command);
    if (isRenamed) isChanged = true;
    const size = newSize(command);
    const isRepeated = hasName && commandKind(command) == LC_RPATH && !addRpath(slice, command);
    store<u8>(dropped + ((command - slice.head) >> 2), isRepeated ? 1 : 0);
    if (!isRepeated) {
      keptCount++;
      keptSize += size;
    }
    release(before);
  }
}

/** Notes the value of an rpath; false for one that is known. */
function addRpath(slice: Slice, command: usize): bool {
  const at = valueAt;
  const length = valueLength;
  const hash = hashOf(at, length);
  for (let known = firstWith(hash); known >= 0; known = nextWith(hash)) {
    // Values are not kept: a few commands could hold gigabytes of them.
    lookAt(slice.head + known);
    if (valueLength == length && memory.compare(valueAt, at, length) == 0) return false;
  }
  addToSet(hash, <i32>(command - slice.head));
  return true;
}

function writeAll(slice: Slice, out: usize): usize {
  const end = slice.head + slice.headLength;
  for (let command = slice.head + MACH_HEADER_SIZE; command < end; command += commandSize(command)) {
    if (load<u8>(dropped + ((command - slice.head) >> 2)) != 0) continue;
    const before = mark();
    lookAt(command);
    out = write(command, out);
    release(before);
  }
  return out;
}

/** Writes the command that was looked at. */
function write(command: usize, out: usize): usize {
  const size = <i32>newSize(command);
  if (!isRenamed) {
    memory.copy(out, command, size);
    return out + size;
  }
  const at = nameStart(command);
  memory.copy(out, command, at);
  memory.copy(out + at, valueAt, valueLength);
  memory.fill(out + at + valueLength, 0, size - at - valueLength);
  store<u32>(out, size, 4);
  return out + size;
}

function isPadding(offset: u64, size: i32): bool {
  const bytes = reserve(size);
  const found = read(offset, size, bytes);
  for (let i = 0; i < found; i++) if (load<u8>(bytes + i) != 0) return false;
  return true;
}
