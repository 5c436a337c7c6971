// Where an ELF file that grows gets room (gABI "Program Loading"): for new bytes a loadable segment at its end, for one more
// program header the place of the old string table, or that new segment. Sections that stay are never moved.
import type { ElfProblem } from './elf-dynamic.js';
import * as format from './elf-format.js';
import type { ElfSegmentHeader, ElfTables } from './elf-tables.js';

export interface PlacementRequest {
  readonly tables: ElfTables;
  /** How many new bytes there are. */
  readonly size: number;
  /** A range of the file that becomes free: the old string table. */
  readonly free: { readonly offset: bigint; readonly size: bigint } | undefined;
}

export interface Placement {
  /** Where the new bytes go. */
  readonly offset: bigint;
  readonly vaddr: bigint;
  /** The new program headers, all but those that point into the new bytes in their final form. */
  readonly segments: readonly ElfSegmentHeader[];
  readonly programHeadersAt: bigint;
}

/** Program headers are aligned to a word; strings need nothing. */
const ALIGNMENT = 16n;

/** A file never grows by more empty room than this, only to make an address fit. */
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
    headersAtEnd(request, layout)
  );
}

/** What the loadable segments have in common. */
interface LoadLayout {
  readonly first: ElfSegmentHeader;
  readonly last: ElfSegmentHeader;
  /** The largest page that the file is made for. */
  readonly align: bigint;
  /** The first address behind all of them, on a page of its own. */
  readonly nextPage: bigint;
  readonly fileEnd: bigint;
}

function describeLoads({ reader, segments }: ElfTables): LoadLayout | ElfProblem {
  const loads = segments.filter(({ type }) => type === format.PT_LOAD);
  const [first] = loads;
  const last = loads.at(-1);
  if (first === undefined || last === undefined) return { problem: 'it has no loadable segment' };
  const isAscending = loads.every((load, i) => load.vaddr >= (loads[i - 1] ?? load).vaddr);
  if (!isAscending) return { problem: 'its loadable segments are not in order' };
  const align = loads.reduce((most, load) => (load.align > most ? load.align : most), 0x1000n);
  if (!isPowerOfTwo(align) || align > LARGEST_HOLE)
    return { problem: 'its segments have an impossible alignment' };
  const end = loads.reduce((most, load) => highest(most, load.vaddr + load.memsz), 0n);
  const nextPage = roundUp(end, align);
  const limit = reader.class === 64 ? 1n << 63n : 1n << 32n;
  const fileEnd = BigInt(reader.source.size);
  // The new segment takes at most this much of the address space.
  if (nextPage + fileEnd + align + LARGEST_HOLE > limit)
    return { problem: 'there is no address left behind its segments' };
  return { first, last, align, nextPage, fileEnd };
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

/** A file that has grown before ends with a segment of its own, which can grow again. */
function extendLastSegment(tables: ElfTables, layout: LoadLayout, size: number): Placement | undefined {
  const { last, fileEnd } = layout;
  const isLastInFile = last.offset + last.filesz === fileEnd;
  const isLastInMemory = roundUp(last.vaddr + last.memsz, layout.align) === layout.nextPage;
  const isReadOnly = last.flags === format.PF_R;
  if (!isLastInFile || !isLastInMemory || !isReadOnly || last.filesz !== last.memsz) return undefined;
  const offset = roundUp(fileEnd, ALIGNMENT);
  const vaddr = last.vaddr + (offset - last.offset);
  const filesz = offset + BigInt(size) - last.offset;
  const segments = tables.segments.map((each) => (each === last ? { ...last, filesz, memsz: filesz } : each));
  return { offset, vaddr, segments, programHeadersAt: tables.programHeaders.offset };
}

/** An unused program header becomes that of the new segment. */
function reuseHeader({ tables, size }: PlacementRequest, layout: LoadLayout): Placement | undefined {
  const unused = tables.segments.findIndex(({ type }) => type === format.PT_NULL);
  if (unused < 0) return undefined;
  const place = behindEverything(layout);
  const others = tables.segments.filter((_, i) => i !== unused);
  const segments = withLoad(others, newLoad(place, layout, BigInt(size)));
  return { ...place, segments, programHeadersAt: tables.programHeaders.offset };
}

/** The address keeps the place within a page, so that a loader can map the file there. */
function behindEverything({ fileEnd, nextPage, align }: LoadLayout): {
  readonly offset: bigint;
  readonly vaddr: bigint;
} {
  const offset = roundUp(fileEnd, ALIGNMENT);
  return { offset, vaddr: nextPage + (offset & (align - 1n)) };
}

function newLoad(
  { offset, vaddr }: { readonly offset: bigint; readonly vaddr: bigint },
  { align }: LoadLayout,
  size: bigint,
): ElfSegmentHeader {
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

/** Loadable segments stand in the order of their addresses. */
function withLoad(segments: readonly ElfSegmentHeader[], load: ElfSegmentHeader): ElfSegmentHeader[] {
  const last = segments.findLastIndex(({ type }) => type === format.PT_LOAD);
  return [...segments.slice(0, last + 1), load, ...segments.slice(last + 1)];
}

/**
 * The program headers move to where the old string table was: in the first segment, where every kernel finds them (before Linux 5.18 it
 * told programs their address as that of the first segment plus their place in the file).
 */
function headersInFreeRange(request: PlacementRequest, layout: LoadLayout): Placement | undefined {
  const { tables, free, size } = request;
  if (free === undefined) return undefined;
  const { first } = layout;
  const headersSize = BigInt((tables.segments.length + 1) * tables.programHeaders.recordSize);
  const at = roundUp(free.offset, 8n);
  const isFree = at + headersSize <= free.offset + free.size;
  const isLoaded = at >= first.offset && at + headersSize <= first.offset + first.filesz;
  if (!isFree || !isLoaded) return undefined;
  const place = behindEverything(layout);
  const segments = withLoad(tables.segments, newLoad(place, layout, BigInt(size)));
  const vaddr = first.vaddr + (at - first.offset);
  return {
    ...place,
    segments: movedHeaders(segments, { at, vaddr, size: headersSize }),
    programHeadersAt: at,
  };
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

/** The program headers move into the new segment, in front of the new bytes. */
function headersAtEnd({ tables, size }: PlacementRequest, layout: LoadLayout): Placement | ElfProblem {
  const headersSize = BigInt((tables.segments.length + 1) * tables.programHeaders.recordSize);
  const place = isProgram(tables) ? atDistanceOfFirst(layout) : behindEverything(layout);
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

/** Whether a kernel loads it, not only the dynamic linker. */
function isProgram({ type, segments, dynamic }: ElfTables): boolean {
  const isPie = dynamic.some(
    ({ tag, value }) => tag === format.DT_FLAGS_1 && (value & format.DF_1_PIE) !== 0n,
  );
  return type === format.ET_EXEC || isPie || segments.some((each) => each.type === format.PT_INTERP);
}

/** As far from its place in the file as the first segment is: see `headersInFreeRange`. This may leave a hole in the file. */
function atDistanceOfFirst({
  first,
  fileEnd,
  nextPage,
  align,
}: LoadLayout): { readonly offset: bigint; readonly vaddr: bigint } | ElfProblem {
  const distance = first.vaddr - first.offset;
  const vaddr = highest(nextPage, roundUp(fileEnd + distance, ALIGNMENT));
  const offset = vaddr - distance;
  if (distance % align !== 0n || offset - fileEnd > LARGEST_HOLE)
    return { problem: 'there is no room for one more program header' };
  return { offset, vaddr };
}
