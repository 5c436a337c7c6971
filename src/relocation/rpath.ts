// What an rpath becomes: FORMATS §5 "rpath" (Spack `replace_rpath_in_place_or_raise`, with the interpreter as Spack 0.22
// does it) and the install hook that drops entries (`drop_redundant_rpaths`). Everything happens in place, padded with NULs.
import { type ElfFile, type ElfString, readElf } from '../binfmt/elf.js';
import type { ByteSource, Edit } from '../core/byte-source.js';
import { concatBytes, equalBytes, fromLatin1, toLatin1 } from '../core/bytes.js';
import { RelocationError } from '../core/errors.js';
import type { PrefixMapping } from './engine.js';
import { matchAtStart } from './prefix-map.js';

const COLON = 0x3a;
const DOLLAR = 0x24;
const SLASH = 0x2f;

/** The strings of an ELF file that relocation rewrites. */
export interface ElfStrings {
  readonly rpath: ElfString | undefined;
  readonly interpreter: ElfString | undefined;
}

/** The entries of an rpath, empty ones included. */
export function splitRpath(rpath: Uint8Array): readonly Uint8Array[] {
  const entries: Uint8Array[] = [];
  let start = 0;
  for (let end = rpath.indexOf(COLON); end >= 0; end = rpath.indexOf(COLON, start)) {
    entries.push(rpath.subarray(start, end));
    start = end + 1;
  }
  entries.push(rpath.subarray(start));
  return entries;
}

export function joinRpath(entries: readonly Uint8Array[]): Uint8Array {
  return fromLatin1(entries.map(toLatin1).join(':'));
}

/** The new rpath without its empty entries, or undefined when no entry begins with an old prefix. */
export function mapRpath(rpath: Uint8Array, mapping: PrefixMapping): Uint8Array | undefined {
  let matched = false;
  const entries = splitRpath(rpath)
    .filter((entry) => entry.length > 0)
    .map((entry) => {
      const mapped = mapPath(entry, mapping);
      matched ||= mapped !== undefined;
      return mapped ?? entry;
    });
  return matched ? joinRpath(entries) : undefined;
}

/** The path with its prefix replaced, or undefined when no mapping matches; one that maps to itself counts as a match. */
export function mapPath(path: Uint8Array, mapping: PrefixMapping): Uint8Array | undefined {
  const match = matchAtStart(path, mapping);
  return match && concatBytes([match[1], path.subarray(match[0].length)]);
}

/**
 * The edits for an ELF file's rpath and interpreter: all of them, or an error.
 * @throws RelocationError `cannot-grow-rpath`
 */
export function planElfEdits(strings: ElfStrings, mapping: PrefixMapping): readonly Edit[] {
  const edits: Edit[] = [];
  if (strings.rpath) {
    const value = mapRpath(strings.rpath.value, mapping);
    if (value) edits.push(padInPlace('rpath', strings.rpath, value));
  }
  if (strings.interpreter) {
    const value = mapPath(strings.interpreter.value, mapping);
    if (value) edits.push(padInPlace('interpreter', strings.interpreter, value));
  }
  return edits;
}

/** The strings of a file that can be rewritten; undefined where it must stay as it is. */
export function rewritableStrings(
  elf: ElfFile | undefined,
  options: { readonly rewriteInterpreter: boolean },
): ElfStrings | undefined {
  if (elf === undefined || elf.dynamicProblem !== undefined) return undefined;
  if (!options.rewriteInterpreter) return { rpath: elf.rpath, interpreter: undefined };
  if (elf.interpreterProblem !== undefined) return undefined;
  return { rpath: elf.rpath, interpreter: elf.interpreter };
}

/**
 * The edit that drops the entries of an ELF file's rpath that are neither relative to `$ORIGIN` (begin with `$`) nor
 * absolute and there; undefined when all stay or the file has no usable rpath.
 * @param exists whether an absolute path is there now; a dangling symlink is
 */
export function dropMissingRpaths(
  source: ByteSource,
  exists: (path: Uint8Array) => boolean,
): Edit | undefined {
  const rpath = rewritableStrings(readElf(source), { rewriteInterpreter: false })?.rpath;
  if (rpath === undefined) return undefined;
  const kept = splitRpath(rpath.value).filter(
    (entry) => entry[0] === DOLLAR || (entry[0] === SLASH && exists(entry)),
  );
  const value = joinRpath(kept);
  return equalBytes(value, rpath.value) ? undefined : padInPlace('rpath', rpath, value);
}

function padInPlace(what: 'rpath' | 'interpreter', old: ElfString, value: Uint8Array): Edit {
  if (value.length > old.length) throw cannotGrow(what, old, value);
  const bytes = new Uint8Array(old.length);
  bytes.set(value);
  return { offset: old.offset, bytes };
}

function cannotGrow(what: 'rpath' | 'interpreter', old: ElfString, value: Uint8Array): RelocationError {
  const [oldValue, newValue] = [toLatin1(old.value), toLatin1(value)];
  const longer = value.length - old.length;
  return new RelocationError(
    'cannot-grow-rpath',
    `Cannot replace the ${what} "${oldValue}" by "${newValue}": it is ${longer} bytes longer`,
    {
      hint: 'Push with more padding, or install to a shorter root',
      data: { what, offset: old.offset, oldValue, newValue },
    },
  );
}
