// The edits that relocate an ELF file (Spack `replace_rpath_in_place_or_raise`, with the interpreter as Spack 0.22 does it): in place,
// padded with NULs, where the new strings fit; where one does not, the file grows, which the reference leaves to patchelf.
import { type ElfFile, type ElfString, readElf } from '../../binfmt/elf/elf.js';
import type { ElfProblem } from '../../binfmt/elf/elf-dynamic.js';
import { growElf } from '../../binfmt/elf/elf-grow.js';
import { eraseUnusedStrings } from '../../binfmt/elf/elf-unused-strings.js';
import type { ByteSource, Edit } from '../../core/byte-source.js';
import { toLatin1 } from '../../core/bytes.js';
import { RelocationError } from '../../core/errors.js';
import type { FileOrigin, PrefixMapping } from '../engine.js';
import { mapRelativeRpath } from './relative-rpath.js';
import { mapPath, mapRpath } from './rpath.js';

export interface ElfPatchOptions {
  readonly rewriteInterpreter: boolean;
}

/** The strings of an ELF file that relocation rewrites. */
export interface ElfStrings {
  readonly rpath: ElfString | undefined;
  readonly interpreter: ElfString | undefined;
}

/** The strings of a file that can be rewritten; undefined where it must stay as it is. */
export function rewritableStrings(
  elf: ElfFile | undefined,
  options: ElfPatchOptions,
): ElfStrings | undefined {
  if (elf === undefined || elf.dynamicProblem !== undefined) return undefined;
  if (!options.rewriteInterpreter) return { rpath: elf.rpath, interpreter: undefined };
  if (elf.interpreterProblem !== undefined) return undefined;
  return { rpath: elf.rpath, interpreter: elf.interpreter };
}

/** Whether a mapping can make a string longer; if not, every edit is in place. */
function canLengthen(mapping: PrefixMapping): boolean {
  return mapping.some(([from, to]) => to.length > from.length);
}

/** The edits in place for a mapping that makes nothing longer. */
function planElfEdits(strings: ElfStrings, mapping: PrefixMapping): readonly Edit[] {
  return editsInPlace(plannedChanges(strings, mapping));
}

export interface ElfPatchRequest extends ElfPatchOptions {
  readonly mapping: PrefixMapping;
  /** Where the file comes from and goes to, where its rpaths are relative. */
  readonly origin?: FileOrigin | undefined;
}

/**
 * The edits for an ELF file's strings, in place or by growth.
 * @throws RelocationError `cannot-grow-rpath` when the file must grow and cannot
 */
export function patchElf(
  source: ByteSource,
  { mapping, origin, ...options }: ElfPatchRequest,
): readonly Edit[] {
  const elf = readElf(source);
  const strings = rewritableStrings(elf, options);
  if (elf === undefined || strings === undefined) return [];
  if (!canLengthen(mapping) && origin === undefined) return planElfEdits(strings, mapping);
  const changes = plannedChanges(strings, mapping, origin);
  const growsStrings = isLonger(changes.rpath) || namesOf(elf).some((name) => becomesLonger(name, mapping));
  if (options.rewriteInterpreter) return settle(source, { changes, mapping, growsStrings });
  // The interpreter is left to the C string rule, but that cannot make it longer.
  const { interpreter } = plannedChanges({ rpath: undefined, interpreter: elf.interpreter }, mapping);
  const edits = isLonger(interpreter)
    ? growth(source, { changes: { ...changes, interpreter }, mapping, growsStrings })
    : undefined;
  return edits !== undefined && !('problem' in edits)
    ? edits
    : settle(source, { changes, mapping, growsStrings });
}

/** All changes, in place or by growth. */
function settle(source: ByteSource, request: GrowRequest): readonly Edit[] {
  const { changes, mapping, growsStrings } = request;
  if (!growsStrings && !isLonger(changes.interpreter))
    return [...eraseUnusedStrings(source, holdsGrowing(mapping)), ...editsInPlace(changes)];
  const edits = growth(source, request);
  if ('problem' in edits) throw cannotGrow(changes, edits.problem);
  return edits;
}

interface StringChange {
  readonly old: ElfString;
  readonly value: Uint8Array;
}

interface ElfChanges {
  readonly rpath: StringChange | undefined;
  readonly interpreter: StringChange | undefined;
}

function plannedChanges(
  { rpath, interpreter }: ElfStrings,
  mapping: PrefixMapping,
  origin?: FileOrigin,
): ElfChanges {
  const mapEntries = (value: Uint8Array) =>
    origin === undefined ? mapRpath(value, mapping) : mapRelativeRpath(value, mapping, origin);
  return {
    rpath: change(rpath, mapEntries),
    interpreter: change(interpreter, (value) => mapPath(value, mapping)),
  };
}

function change(
  old: ElfString | undefined,
  map: (value: Uint8Array) => Uint8Array | undefined,
): StringChange | undefined {
  const value = old && map(old.value);
  return old && value && { old, value };
}

function isLonger(change: StringChange | undefined): boolean {
  return change !== undefined && change.value.length > change.old.length;
}

function namesOf(elf: ElfFile): readonly Uint8Array[] {
  return elf.soname === undefined ? elf.needed : [...elf.needed, elf.soname];
}

function becomesLonger(name: Uint8Array, mapping: PrefixMapping): boolean {
  const mapped = mapPath(name, mapping);
  return mapped !== undefined && mapped.length > name.length;
}

/** Tells strings that hold an old prefix for which the C string rule has no room. */
function holdsGrowing(mapping: PrefixMapping): (string: Uint8Array) => boolean {
  const growing = mapping.filter(([from, to]) => to.length > from.length).map(([from]) => from);
  return (string) => growing.some((from) => bytesOf(string).includes(bytesOf(from)));
}

function bytesOf(string: Uint8Array): Buffer {
  return Buffer.from(string.buffer, string.byteOffset, string.length);
}

function editsInPlace({ rpath, interpreter }: ElfChanges): readonly Edit[] {
  return [rpath, interpreter].flatMap((each) =>
    each === undefined ? [] : [padInPlace(each.old, each.value)],
  );
}

/** Writes a string over one that is not shorter; NULs fill the rest. */
export function padInPlace(old: ElfString, value: Uint8Array): Edit {
  if (value.length > old.length) throw new TypeError('A string in place cannot become longer');
  const bytes = new Uint8Array(old.length);
  bytes.set(value);
  return { offset: old.offset, bytes };
}

interface GrowRequest {
  readonly changes: ElfChanges;
  readonly mapping: PrefixMapping;
  readonly growsStrings: boolean;
}

function growth(
  source: ByteSource,
  { changes, mapping, growsStrings }: GrowRequest,
): readonly Edit[] | ElfProblem {
  const { rpath, interpreter } = changes;
  const growsInterpreter = isLonger(interpreter);
  const edits = growElf(source, {
    strings: growsStrings
      ? { rpath: rpath?.value, mapName: (name) => mapPath(name, mapping), isOld: holdsGrowing(mapping) }
      : undefined,
    interpreter: growsInterpreter ? interpreter?.value : undefined,
  });
  if ('problem' in edits) return edits;
  const inPlace = {
    rpath: growsStrings ? undefined : rpath,
    interpreter: growsInterpreter ? undefined : interpreter,
  };
  const unused = growsStrings ? [] : eraseUnusedStrings(source, holdsGrowing(mapping));
  return [...unused, ...editsInPlace(inPlace), ...edits];
}

function cannotGrow({ rpath, interpreter }: ElfChanges, problem: string): RelocationError {
  const [what, found] = isLonger(interpreter)
    ? (['interpreter', interpreter] as const)
    : (['rpath', rpath] as const);
  const refused = found && { offset: found.old.offset, old: found.old.value, value: found.value };
  return growthRefused(what, refused, problem);
}

/** A string that stays as it is since the file cannot grow. */
export interface RefusedString {
  readonly offset: number;
  readonly old: Uint8Array;
  readonly value: Uint8Array;
}

/** The error for a file that must grow and cannot; without a string it is about the names of libraries. */
export function growthRefused(
  what: 'rpath' | 'interpreter',
  refused: RefusedString | undefined,
  problem: string,
): RelocationError {
  const oldValue = refused && toLatin1(refused.old);
  const newValue = refused && toLatin1(refused.value);
  const subject =
    refused === undefined ? 'the names of libraries' : `the ${what} "${oldValue}" by "${newValue}"`;
  return new RelocationError(
    'cannot-grow-rpath',
    `Cannot replace ${subject}: the file must grow for it, and ${problem}`,
    {
      hint: GROWTH_HINT,
      data: {
        what,
        problem,
        ...(refused === undefined ? {} : { offset: refused.offset, oldValue, newValue }),
      },
    },
  );
}

const GROWTH_HINT = 'Push with more padding, or install to a shorter root';
