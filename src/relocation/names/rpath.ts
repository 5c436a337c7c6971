// What an rpath becomes: FORMATS §5 "rpath" (Spack `replace_rpath_in_place_or_raise`).
import { concatBytes, fromLatin1, toLatin1 } from '../../core/bytes.js';
import { RelocationError } from '../../core/errors.js';
import type { PrefixMapping } from '../engine.js';
import { matchAtStart } from '../prefixes/prefix-map.js';

const COLON = 0x3a;

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

/** No loader takes a longer rpath, and one of short entries could otherwise become gigabytes long. */
const LONGEST_RPATH = 1 << 20;

/** Collects the entries of a new rpath. */
export class RpathBuilder {
  readonly #entries: Uint8Array[] = [];
  #length = -1;

  /** @throws RelocationError `cannot-grow-rpath` when the rpath becomes too long */
  add(entry: Uint8Array): void {
    this.#length += 1 + entry.length;
    if (this.#length > LONGEST_RPATH) throw rpathTooLong();
    this.#entries.push(entry);
  }

  build(): Uint8Array {
    return joinRpath(this.#entries);
  }
}

export function rpathTooLong(): RelocationError {
  return new RelocationError(
    'cannot-grow-rpath',
    `Cannot replace the rpath: the new one is longer than ${LONGEST_RPATH} bytes`,
    {
      hint: 'Install to a shorter root',
      data: { what: 'rpath', problem: 'its new rpath is too long' },
    },
  );
}

/**
 * The new rpath without its empty entries, or undefined when no entry begins with an old prefix.
 * @throws RelocationError `cannot-grow-rpath` for one that is too long
 */
export function mapRpath(rpath: Uint8Array, mapping: PrefixMapping): Uint8Array | undefined {
  const entries = splitRpath(rpath).filter((entry) => entry.length > 0);
  if (!entries.some((entry) => matchAtStart(entry, mapping) !== undefined)) return undefined;
  const mapped = new RpathBuilder();
  for (const entry of entries) mapped.add(mapPath(entry, mapping) ?? entry);
  return mapped.build();
}

/** The path with its prefix replaced, or undefined when no mapping matches; one that maps to itself counts as a match. */
export function mapPath(path: Uint8Array, mapping: PrefixMapping): Uint8Array | undefined {
  const match = matchAtStart(path, mapping);
  return match && concatBytes([match[1], path.subarray(match[0].length)]);
}
