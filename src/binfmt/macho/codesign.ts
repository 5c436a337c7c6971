// The code signature of a Mach-O slice (`cs_blobs.h`: SuperBlob, CodeDirectory): who signed it, and new hashes of its pages. The directory
// keeps its place and size, with identifier, flags, entitlements and requirements, since a file keeps its size.
import { createHash } from 'node:crypto';
import type { ByteSource, Edit } from '../../core/byte-source.js';
import { concatBytes, copyBytes, equalBytes, toLatin1 } from '../../core/bytes.js';
import type { MachoProblem, MachoSlice } from './macho.js';

const CSMAGIC_EMBEDDED_SIGNATURE = 0xfade0cc0;
const CSMAGIC_CODEDIRECTORY = 0xfade0c02;
const CSMAGIC_BLOBWRAPPER = 0xfade0b01;
const CSSLOT_SIGNATURESLOT = 0x10000;
const CS_ADHOC = 0x2;
const LEAST_DIRECTORY = 44;
const LARGEST_SIGNATURE = 64 << 20;
const MOST_BLOBS = 64;
/** Offset and version from which there is a team identifier. */
const TEAM_VERSION = 0x20200;
const TEAM_OFFSET = 48;

/** The kinds of hashes in code directories, and how much of them stands there. */
export const HASHES: ReadonlyMap<number, { readonly name: string; readonly size: number }> = new Map([
  [1, { name: 'sha1', size: 20 }],
  [2, { name: 'sha256', size: 32 }],
  [3, { name: 'sha256', size: 20 }],
  [4, { name: 'sha384', size: 48 }],
]);

export interface CodeDirectory {
  /** In the slice. */
  readonly offset: number;
  readonly version: number;
  readonly flags: number;
  readonly identifier: string;
  /** Of a real identity. */
  readonly team: string | undefined;
  readonly hashType: string;
  readonly hashSize: number;
  /** Where the hash of the first page is, in the slice. */
  readonly hashesAt: number;
  readonly pages: number;
  readonly pageSize: number;
  /** How much of the slice is hashed. */
  readonly codeLimit: number;
}

export interface CodeSignature {
  /** Signed by nobody: its hashes are all that counts. */
  readonly isAdHoc: boolean;
  readonly directories: readonly CodeDirectory[];
  /** In the slice: what a real identity has added. */
  readonly identity: { readonly offset: number; readonly size: number } | undefined;
}

/** The signature of a slice; undefined where there is none. Never throws for bad bytes. */
export function readCodeSignature(
  source: ByteSource,
  slice: MachoSlice,
): CodeSignature | MachoProblem | undefined {
  const place = slice.signature;
  if (place === undefined) return undefined;
  if (place.size > LARGEST_SIGNATURE) return { problem: 'its code signature is too large' };
  const bytes = copyBytes(source.read(slice.offset + place.offset, place.size));
  const view = new DataView(bytes.buffer);
  if (bytes.length < 12 || view.getUint32(0) !== CSMAGIC_EMBEDDED_SIGNATURE)
    return { problem: 'its code signature is malformed' };
  const count = view.getUint32(8);
  if (count > MOST_BLOBS || 12 + 8 * count > bytes.length)
    return { problem: 'its code signature is malformed' };
  const directories: CodeDirectory[] = [];
  let identity: CodeSignature['identity'];
  let total = 0;
  for (let i = 0; i < count; i++) {
    const [slot, at] = [view.getUint32(12 + 8 * i), view.getUint32(16 + 8 * i)];
    if (at + 8 > bytes.length || at + view.getUint32(at + 4) > bytes.length)
      return { problem: 'its code signature is not complete' };
    const [magic, size] = [view.getUint32(at), view.getUint32(at + 4)];
    if (magic === CSMAGIC_CODEDIRECTORY) {
      const directory = readDirectory(bytes, { at, size, place });
      if ('problem' in directory) return directory;
      directories.push(directory);
      total += size;
      // Directories that lie in each other would hold more hashes than the file has bytes.
      if (total > bytes.length) return { problem: 'its code signature is malformed' };
    } else if (slot === CSSLOT_SIGNATURESLOT && magic === CSMAGIC_BLOBWRAPPER && size > 8) {
      identity = { offset: place.offset + at, size };
    }
  }
  if (directories.length === 0) return { problem: 'its code signature has no directory' };
  const isAdHoc = identity === undefined && directories.every(({ flags }) => (flags & CS_ADHOC) !== 0);
  return { isAdHoc, directories, identity };
}

interface BlobPlace {
  readonly at: number;
  readonly size: number;
  readonly place: { readonly offset: number };
}

function readDirectory(bytes: Uint8Array, { at, size, place }: BlobPlace): CodeDirectory | MachoProblem {
  if (size < LEAST_DIRECTORY) return { problem: 'its code directory is not complete' };
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, size);
  const version = view.getUint32(8);
  if (version >= TEAM_VERSION && size < TEAM_OFFSET + 4)
    return { problem: 'its code directory is not complete' };
  const hash = HASHES.get(view.getUint8(37));
  const [hashOffset, pages, codeLimit] = [view.getUint32(16), view.getUint32(28), view.getUint32(32)];
  const identifierAt = view.getUint32(20);
  const pageSize = 2 ** view.getUint8(39);
  if (hash === undefined || hash.size !== view.getUint8(36) || identifierAt >= size)
    return { problem: 'its code directory has an unknown form' };
  const isWhole = hashOffset + pages * hash.size <= size && codeLimit <= place.offset;
  if (
    !isWhole ||
    view.getUint8(39) < 9 ||
    view.getUint8(39) > 24 ||
    Math.ceil(codeLimit / pageSize) !== pages
  )
    return { problem: 'its code directory does not fit the file' };
  const teamAt = version >= TEAM_VERSION && size >= TEAM_OFFSET + 4 ? view.getUint32(TEAM_OFFSET) : 0;
  const blob = bytes.subarray(at, at + size);
  return {
    offset: place.offset + at,
    version,
    flags: view.getUint32(12),
    identifier: textAt(blob, identifierAt),
    team: teamAt > 0 && teamAt < size ? textAt(blob, teamAt) : undefined,
    hashType: hash.name,
    hashSize: hash.size,
    hashesAt: place.offset + at + hashOffset,
    pages,
    pageSize,
    codeLimit,
  };
}

function textAt(blob: Uint8Array, at: number): string {
  const text = blob.subarray(at);
  const end = text.indexOf(0);
  return toLatin1(end < 0 ? text : text.subarray(0, end));
}

/** Whether the pages of a slice are what its signature says. */
export function fitsSignature(
  source: ByteSource,
  slice: MachoSlice,
  { directories }: CodeSignature,
): boolean {
  return directories.every((directory) => {
    const size = directory.pages * directory.hashSize;
    const signed = copyBytes(source.read(slice.offset + directory.hashesAt, size));
    return equalBytes(signed, hashPages(source, slice, directory));
  });
}

/**
 * The edits that make a signature fit the bytes of its slice again, as one of nobody.
 * @param source the slice's file as it is now
 */
export function signAdHoc(source: ByteSource, slice: MachoSlice, signature: CodeSignature): readonly Edit[] {
  const edits = signature.directories.flatMap((directory) => [
    ...disownDirectory(slice, directory),
    { offset: slice.offset + directory.hashesAt, bytes: hashPages(source, slice, directory) },
  ]);
  const { identity } = signature;
  if (identity === undefined) return edits;
  // The wrapper stays, empty.
  const empty = new Uint8Array(identity.size);
  const view = new DataView(empty.buffer);
  view.setUint32(0, CSMAGIC_BLOBWRAPPER);
  view.setUint32(4, 8);
  return [...edits, { offset: slice.offset + identity.offset, bytes: empty }];
}

/** Marks a directory as nobody's: the flag, and no team. */
function disownDirectory(slice: MachoSlice, { offset, version, flags }: CodeDirectory): readonly Edit[] {
  if ((flags & CS_ADHOC) !== 0) return [];
  const adHoc = new Uint8Array(4);
  new DataView(adHoc.buffer).setUint32(0, flags | CS_ADHOC);
  const at = slice.offset + offset;
  const edits: Edit[] = [{ offset: at + 12, bytes: adHoc }];
  if (version >= TEAM_VERSION) edits.push({ offset: at + TEAM_OFFSET, bytes: new Uint8Array(4) });
  return edits;
}

function hashPages(source: ByteSource, slice: MachoSlice, directory: CodeDirectory): Uint8Array {
  const { pageSize, pages, codeLimit, hashType, hashSize } = directory;
  const hashes: Uint8Array[] = [];
  for (let page = 0; page < pages; page++) {
    const start = page * pageSize;
    const bytes = source.read(slice.offset + start, Math.min(pageSize, codeLimit - start));
    hashes.push(createHash(hashType).update(bytes).digest().subarray(0, hashSize));
  }
  return concatBytes(hashes);
}
