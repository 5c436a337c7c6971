// Finds room in an ELF file that grows (gABI "Program Loading"): for new bytes a loadable segment at its end, for one more
// program header the space of the old string table, or that new segment. Other sections never move.
import type { ElfProblem } from './elf-dynamic.js';
import * as format from './elf-format.js';
import type { ElfSegmentHeader, ElfTables } from './elf-tables.js';

export interface PlacementRequest {
  readonly tables: ElfTables;
  /** The number of new bytes. */
  readonly size: number;
  /** A range of the file that becomes free: the old string table. */
  readonly free: { readonly offset: bigint; readonly size: bigint } | undefined;
}

export interface Placement {
  /** Where the new bytes go. */
  readonly offset: bigint;
  readonly vaddr: bigint;
  /** The new program headers, final except for those that point into the new bytes. */
  readonly segments: readonly ElfSegmentHeader[];
  readonly programHeadersAt: bigint;
}

/** New bytes may start with program headers, which are word-aligned. */
const WORD = 8n;
const ALIGNMENT = 16n;

/** The most padding that a file grows by to make an address fit. */
const LARGEST_HOLE = 64n << 20n;

/** Finds the room, or says why there is none. */
export function placeNewBytes(request: PlacementRequest): Placement | ElfProblem {
  const { tables, size } = request;
  const layout = describeLoads(tables);
  if ('problem' in layout) return layout;
  return (
    extendLastSegment(tables, layout, size) ??
    reuseHeader(request, layout) ??
    headersInFreeRange(request, layout) ??
    headersBehindFirst(request, layout) ??
    headersAtEnd(request, layout)
  );
}

const SMALLEST_PAGE = 0x1000n;
/** Files may have a larger alignment, but no system has larger pages. */
const LARGEST_PAGE = 0x10000n;

/** What the loadable segments have in common. */
interface LoadLayout {
  readonly first: ElfSegmentHeader;
  readonly last: ElfSegmentHeader;
  /** The largest page size that the file is built for. */
  readonly align: bigint;
  /** The first address after all of them, on a new page. */
  readonly nextPage: bigint;
  /** The gap before the new segment: if it follows too closely, eu-elflint reports relocations in it for a long function. */
  readonly distance: bigint;
  readonly fileEnd: bigint;
  /** The ends of the pages that contain bytes of the segments. */
  readonly pagesEnd: bigint;
}

function describeLoads({ reader, segments }: ElfTables): LoadLayout | ElfProblem {
  const loads = segments.filter(({ type }) => type === format.PT_LOAD);
  const [first] = loads;
  const last = loads.at(-1);
  if (first === undefined || last === undefined) return { problem: 'it has no loadable segment' };
  const isAscending = loads.every((load, i) => load.vaddr >= (loads[i - 1] ?? load).vaddr);
  if (!isAscending) return { problem: 'its loadable segments are not in order' };
  const fileEnd = BigInt(reader.source.size);
  if (loads.some(({ offset, filesz }) => offset + filesz > fileEnd))
    return { problem: 'its segments are not complete' };
  const align = loads.reduce((most, load) => highest(most, load.align), SMALLEST_PAGE);
  if (!isPowerOfTwo(align) || align > LARGEST_HOLE)
    return { problem: 'its segments have an impossible alignment' };
  const end = loads.reduce((most, load) => highest(most, load.vaddr + load.memsz), 0n);
  const nextPage = roundUp(end, align);
  const limit = reader.class === 64 ? 1n << 63n : 1n << 32n;
  // The most address space that the new segment takes.
  if (nextPage + fileEnd + align + LARGEST_HOLE > limit)
    return { problem: 'there is no address left behind its segments' };
  const distance = reader.class === 64 ? roundUp(1n << 20n, align) : 0n;
  const filled = loads.reduce((most, load) => highest(most, load.offset + load.filesz), 0n);
  const pagesEnd = roundUp(filled, align < LARGEST_PAGE ? align : LARGEST_PAGE);
  return { first, last, align, nextPage, distance, fileEnd, pagesEnd };
}

function isPowerOfTwo(value: bigint): boolean {
  return value > 0n && (value & (value - 1n)) === 0n;
}

function roundUp(value: bigint, align: bigint): bigint {
  return (value + align - 1n) & ~(align - 1n);
}

function highest(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}

/** A file that grew before ends with a segment for new bytes, which can grow again. */
function extendLastSegment(tables: ElfTables, layout: LoadLayout, size: number): Placement | undefined {
  const { last, fileEnd } = layout;
  const isLastInFile = last.offset + last.filesz === fileEnd;
  const isLastInMemory = roundUp(last.vaddr + last.memsz, layout.align) === layout.nextPage;
  const isData = (last.flags & format.PF_R) !== 0 && (last.flags & format.PF_X) === 0;
  if (!isLastInFile || !isLastInMemory || !isData || last.filesz !== last.memsz) return undefined;
  const offset = roundUp(fileEnd, ALIGNMENT);
  const vaddr = last.vaddr + (offset - last.offset);
  const filesz = offset + BigInt(size) - last.offset;
  const segments = tables.segments.map((each) => (each === last ? { ...last, filesz, memsz: filesz } : each));
  return { offset, vaddr, segments, programHeadersAt: tables.programHeaders.offset };
}

/** An unused program header is reused for the new segment. */
function reuseHeader({ tables, size }: PlacementRequest, layout: LoadLayout): Placement | undefined {
  const unused = tables.segments.findIndex(({ type }) => type === format.PT_NULL);
  if (unused < 0) return undefined;
  const place = behindEverything(layout);
  const others = tables.segments.filter((_, i) => i !== unused);
  const segments = withLoad(others, newLoad(place, layout, BigInt(size)));
  return { ...place, segments, programHeadersAt: tables.programHeaders.offset };
}

/** The address has the same offset within a page as the file offset, so that a loader can map it. */
function behindEverything({ fileEnd, nextPage, align, distance }: LoadLayout): Place {
  const offset = roundUp(fileEnd, ALIGNMENT);
  return { offset, vaddr: nextPage + distance + (offset & (align - 1n)) };
}

interface Place {
  readonly offset: bigint;
  readonly vaddr: bigint;
}

function newLoad({ offset, vaddr }: Place, { align }: LoadLayout, size: bigint): ElfSegmentHeader {
  return {
    type: format.PT_LOAD,
    flags: format.PF_R,
    offset,
    vaddr,
    paddr: vaddr,
    filesz: size,
    memsz: size,
    align,
  };
}

/** Loadable segments must be sorted by address. */
function withLoad(segments: readonly ElfSegmentHeader[], load: ElfSegmentHeader): ElfSegmentHeader[] {
  const last = segments.findLastIndex(({ type }) => type === format.PT_LOAD);
  return [...segments.slice(0, last + 1), load, ...segments.slice(last + 1)];
}

/**
 * Moves the program headers to where the old string table was: in the first segment, where every kernel finds them (before 5.18 Linux
 * reported their address as that of the first segment plus their offset in the file).
 */
function headersInFreeRange(request: PlacementRequest, layout: LoadLayout): Placement | undefined {
  const { tables, free } = request;
  if (free === undefined) return undefined;
  const headersSize = sizeOfHeaders(tables);
  const { first } = layout;
  const at = roundUp(free.offset, WORD);
  const isFree = at + headersSize <= free.offset + free.size;
  const isLoaded = at >= first.offset && at + headersSize <= first.offset + first.filesz;
  return isFree && isLoaded ? headersIn(first, { at, request, layout }) : undefined;
}

/**
 * Moves the program headers to the unused rest of the first segment's last page, for the same reason. Linkers that keep code in separate
 * pages usually leave such a rest.
 */
function headersBehindFirst(request: PlacementRequest, layout: LoadLayout): Placement | undefined {
  const { tables } = request;
  const { first } = layout;
  const at = roundUp(first.offset + first.filesz, WORD);
  const end = at + sizeOfHeaders(tables);
  const next = tables.segments.find((each) => each.type === format.PT_LOAD && each !== first);
  const endInMemory = first.vaddr + (end - first.offset);
  const hasPage = next === undefined || endInMemory <= (next.vaddr & ~(layout.align - 1n));
  const isPlain = first.filesz === first.memsz && first.offset === 0n;
  if (!hasPage || !isPlain || end > layout.fileEnd || !isUnused(tables, first.filesz, end)) return undefined;
  const grown = { ...first, filesz: end, memsz: end };
  const segments = tables.segments.map((each) => (each === first ? grown : each));
  return headersIn(grown, { at, request: { ...request, tables: { ...tables, segments } }, layout });
}

/** Whether nothing refers to these bytes of the file, and they are zero. */
function isUnused(tables: ElfTables, from: bigint, to: bigint): boolean {
  const { reader, segments, sections, sectionHeaders } = tables;
  const meets = (offset: bigint, size: bigint) => size > 0n && offset < to && from < offset + size;
  const isUsed =
    segments.some(({ offset, filesz }) => meets(offset, filesz)) ||
    sections.some(({ type, offset, size }) => type !== format.SHT_NOBITS && meets(offset, size)) ||
    meets(sectionHeaders.offset, BigInt(sectionHeaders.count * sectionHeaders.recordSize));
  return !isUsed && reader.source.read(Number(from), Number(to - from)).every((byte) => byte === 0);
}

interface HeaderMove {
  readonly at: bigint;
  readonly request: PlacementRequest;
  readonly layout: LoadLayout;
}

/** Puts the program headers at `at`, an offset in the segment `home`. */
function headersIn(home: ElfSegmentHeader, { at, request, layout }: HeaderMove): Placement {
  const { tables, size } = request;
  const place = behindEverything(layout);
  const segments = withLoad(tables.segments, newLoad(place, layout, BigInt(size)));
  const vaddr = home.vaddr + (at - home.offset);
  const headers = { at, vaddr, size: sizeOfHeaders(tables) };
  return { ...place, segments: movedHeaders(segments, headers), programHeadersAt: at };
}

/** Including one more than now. */
function sizeOfHeaders({ segments, programHeaders }: ElfTables): bigint {
  return BigInt((segments.length + 1) * programHeaders.recordSize);
}

function movedHeaders(
  segments: readonly ElfSegmentHeader[],
  { at, vaddr, size }: { readonly at: bigint; readonly vaddr: bigint; readonly size: bigint },
): readonly ElfSegmentHeader[] {
  return segments.map((each) =>
    each.type === format.PT_PHDR
      ? { ...each, offset: at, vaddr, paddr: vaddr, filesz: size, memsz: size }
      : each,
  );
}

/**
 * Moves the program headers into the new segment, before the new bytes. glibc looks for them in the first segment whose pages cover
 * their file offset, so no other segment's pages may cover it.
 */
function headersAtEnd({ tables, size }: PlacementRequest, layout: LoadLayout): Placement | ElfProblem {
  const headersSize = sizeOfHeaders(tables);
  const apart = { ...layout, fileEnd: highest(layout.fileEnd, layout.pagesEnd) };
  const place = isProgram(tables) ? atDistanceOfFirst(apart) : behindEverything(apart);
  if ('problem' in place) return place;
  const { offset: at, vaddr } = place;
  const segments = withLoad(tables.segments, newLoad(place, layout, headersSize + BigInt(size)));
  return {
    offset: at + headersSize,
    vaddr: vaddr + headersSize,
    segments: movedHeaders(segments, { at, vaddr, size: headersSize }),
    programHeadersAt: at,
  };
}

/** Whether the kernel loads the file, not only the dynamic linker. */
function isProgram({ type, segments, dynamic }: ElfTables): boolean {
  const isPie = dynamic.some(
    ({ tag, value }) => tag === format.DT_FLAGS_1 && (value & format.DF_1_PIE) !== 0n,
  );
  return type === format.ET_EXEC || isPie || segments.some((each) => each.type === format.PT_INTERP);
}

/** Address minus file offset as in the first segment: see `headersInFreeRange`. This may leave a hole in the file. */
function atDistanceOfFirst({ first, fileEnd, nextPage, align }: LoadLayout): Place | ElfProblem {
  const distance = first.vaddr - first.offset;
  const vaddr = highest(nextPage, roundUp(fileEnd + distance, ALIGNMENT));
  const offset = vaddr - distance;
  if (distance % align !== 0n || offset - fileEnd > LARGEST_HOLE)
    return { problem: 'there is no room for one more program header' };
  return { offset, vaddr };
}
