// The code signature of a Mach-O slice (`cs_blobs.h`; the rules are those of src/binfmt/macho/codesign.ts): who signed it, and new hashes of its
// pages. Hashing itself is the host's.
import { mark, release } from '../memory';
import { findByte } from './elf-format';
import { edit, erase, hash, openFile, read, reserve } from './host';
import { readMacho, Slice, sliceAt, sliceCount } from './macho';
import * as problem from './problems';

/** A signature of a real identity. */
export const SIGNED: i32 = -3;

/** What a refusal is about, and whose signature that is. */
export let signatureSlice: f64 = 0;
export let identifierAt: usize = 0;
export let identifierLength: i32 = 0;

const CSMAGIC_EMBEDDED_SIGNATURE: u32 = 0xfade0cc0;
const CSMAGIC_CODEDIRECTORY: u32 = 0xfade0c02;
const CSMAGIC_BLOBWRAPPER: u32 = 0xfade0b01;
const CSSLOT_SIGNATURESLOT: u32 = 0x10000;
const CS_ADHOC: u32 = 0x2;
const LEAST_DIRECTORY: u32 = 44;
const LARGEST_SIGNATURE: u64 = 64 << 20;
const MOST_BLOBS: u32 = 64;
/** Offset and version from which there is a team identifier. */
const TEAM_VERSION: u32 = 0x20200;
const TEAM_OFFSET: u32 = 48;

@unmanaged
class Directory {
  /** In the signature. */
  at: u32;
  size: u32;
  flags: u32;
  version: u32;
  hashType: i32;
  hashSize: u32;
  /** Where the hash of the first page is, in the signature. */
  hashesAt: u32;
  pages: u32;
  pageSize: u32;
  codeLimit: u32;
}

const DIRECTORY_SIZE: i32 = offsetof<Directory>();
const directories: usize = memory.data(2560, 8);
let directoryCount: i32 = 0;

/** The signature of a slice, and what a real identity has added to it. */
let bytes: usize = 0;
let identityAt: u32 = 0;
let identitySize: u32 = 0;

const digest: usize = memory.data(64, 8);

function directoryAt(index: i32): Directory {
  return changetype<Directory>(directories + <usize>(index * DIRECTORY_SIZE));
}

function int(at: u32): u32 {
  return bswap<u32>(load<u32>(bytes + at));
}

/** Returns why a change would leave a signature that cannot be made anew, or 0. */
export function checkSignable(size: f64, replaceIdentity: bool): i32 {
  return forEachSlice(size, replaceIdentity, false);
}

/** Gives the edits that make signatures fit again to the host; returns why that cannot be, or 0. */
export function resign(size: f64, replaceIdentity: bool): i32 {
  return forEachSlice(size, replaceIdentity, true);
}

function forEachSlice(size: f64, replaceIdentity: bool, writes: bool): i32 {
  openFile(size);
  readMacho();
  for (let i = 0; i < sliceCount; i++) {
    const before = mark();
    const slice = sliceAt(i);
    if (!slice.hasSignature) continue;
    let status = readSignature(slice);
    if (status == problem.NO_PROBLEM && writes && fits(slice)) continue;
    if (status == problem.NO_PROBLEM && !replaceIdentity && !isAdHoc()) status = SIGNED;
    if (status != problem.NO_PROBLEM) {
      signatureSlice = <f64>slice.offset;
      return status;
    }
    if (writes) sign(slice);
    release(before);
  }
  return problem.NO_PROBLEM;
}

function readSignature(slice: Slice): i32 {
  if (slice.signatureSize > LARGEST_SIGNATURE) return problem.SIGNATURE_TOO_LARGE;
  bytes = reserve(slice.signatureSize);
  const length = <u32>read(slice.offset + slice.signatureOffset, <i32>slice.signatureSize, bytes);
  if (length < 12 || int(0) != CSMAGIC_EMBEDDED_SIGNATURE) return problem.SIGNATURE_MALFORMED;
  const count = int(8);
  if (count > MOST_BLOBS || length - 12 < 8 * count) return problem.SIGNATURE_MALFORMED;
  directoryCount = 0;
  identitySize = 0;
  let total: u64 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const at = int(16 + 8 * i);
    if (<u64>at + 8 > length || <u64>at + int(at + 4) > length) return problem.SIGNATURE_INCOMPLETE;
    const size = int(at + 4);
    const magic = int(at);
    if (magic == CSMAGIC_CODEDIRECTORY) {
      const status = readDirectory(slice, at, size);
      if (status != problem.NO_PROBLEM) return status;
      total += size;
      // Directories that lie in each other would hold more hashes than the file has bytes.
      if (total > length) return problem.SIGNATURE_MALFORMED;
    } else if (int(12 + 8 * i) == CSSLOT_SIGNATURESLOT && magic == CSMAGIC_BLOBWRAPPER && size > 8) {
      identityAt = at;
      identitySize = size;
    }
  }
  return directoryCount == 0 ? problem.NO_DIRECTORY : problem.NO_PROBLEM;
}

function readDirectory(slice: Slice, at: u32, size: u32): i32 {
  if (size < LEAST_DIRECTORY) return problem.DIRECTORY_INCOMPLETE;
  const directory = directoryAt(directoryCount);
  directory.at = at;
  directory.size = size;
  directory.version = int(at + 8);
  directory.flags = int(at + 12);
  directory.hashType = load<u8>(bytes + at, 37);
  directory.hashSize = hashSizeOf(directory.hashType);
  directory.pages = int(at + 28);
  directory.codeLimit = int(at + 32);
  if (directory.version >= TEAM_VERSION && size < TEAM_OFFSET + 4) return problem.DIRECTORY_INCOMPLETE;
  const hashSize: u64 = directory.hashSize;
  const identifier = int(at + 20);
  if (hashSize == 0 || hashSize != load<u8>(bytes + at, 36) || identifier >= size)
    return problem.UNKNOWN_DIRECTORY;
  const hashOffset = int(at + 16);
  const pageShift: u64 = load<u8>(bytes + at, 39);
  const isWhole =
    <u64>hashOffset + directory.pages * hashSize <= size && directory.codeLimit <= slice.signatureOffset;
  if (!isWhole || pageShift < 9 || pageShift > 24) return problem.DIRECTORY_MISFIT;
  if ((<u64>directory.codeLimit + (1 << pageShift) - 1) >> pageShift != directory.pages)
    return problem.DIRECTORY_MISFIT;
  directory.pageSize = 1 << (<u32>pageShift);
  directory.hashesAt = at + hashOffset;
  if (directoryCount++ == 0) noteIdentifier(at + identifier, size - identifier);
  return problem.NO_PROBLEM;
}

function noteIdentifier(at: u32, length: u32): void {
  identifierAt = bytes + at;
  const nul = findByte(0, identifierAt, length);
  identifierLength = nul < 0 ? length : nul;
}

/** SHA-1, SHA-256, SHA-256 cut short, SHA-384. */
function hashSizeOf(type: i32): u32 {
  if (type == 1 || type == 3) return 20;
  if (type == 2) return 32;
  return type == 4 ? 48 : 0;
}

/** Signed by nobody: its hashes are all that counts. */
function isAdHoc(): bool {
  for (let i = 0; i < directoryCount; i++) if ((directoryAt(i).flags & CS_ADHOC) == 0) return false;
  return identitySize == 0;
}

/** Whether the pages of a slice are what its signature says. */
function fits(slice: Slice): bool {
  for (let i = 0; i < directoryCount; i++) {
    const directory = directoryAt(i);
    let signed = bytes + directory.hashesAt;
    for (let page: u32 = 0; page < directory.pages; page++) {
      hashPage(slice, directory, page, digest);
      if (memory.compare(signed, digest, directory.hashSize) != 0) return false;
      signed += directory.hashSize;
    }
  }
  return true;
}

function hashPage(slice: Slice, directory: Directory, page: u32, out: usize): void {
  const start = <u64>page * directory.pageSize;
  const length = <i32>min<u64>(directory.pageSize, <u64>directory.codeLimit - start);
  hash(directory.hashType, slice.offset + start, length, out);
}

/** The edits that make a signature fit the bytes of its slice again, as one of nobody. */
function sign(slice: Slice): void {
  const place = slice.offset + slice.signatureOffset;
  for (let i = 0; i < directoryCount; i++) {
    const directory = directoryAt(i);
    disown(place + directory.at, directory);
    const before = mark();
    const size = directory.pages * directory.hashSize;
    const hashes = reserve(size);
    for (let page: u32 = 0; page < directory.pages; page++)
      hashPage(slice, directory, page, hashes + page * directory.hashSize);
    edit(place + directory.hashesAt, hashes, size);
    release(before);
  }
  if (identitySize > 0) emptyIdentity(place + identityAt);
}

/** Marks a directory as nobody's: the flag, and no team. */
function disown(at: u64, directory: Directory): void {
  if ((directory.flags & CS_ADHOC) != 0) return;
  store<u32>(digest, bswap<u32>(directory.flags | CS_ADHOC));
  edit(at + 12, digest, 4);
  if (directory.version >= TEAM_VERSION) erase(at + TEAM_OFFSET, 4);
}

/** The wrapper stays, empty. */
function emptyIdentity(at: u64): void {
  erase(at, identitySize);
  store<u32>(digest, bswap<u32>(CSMAGIC_BLOBWRAPPER));
  store<u32>(digest, bswap<u32>(8), 4);
  edit(at, digest, 8);
}
