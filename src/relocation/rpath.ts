// What an rpath becomes: FORMATS §5 "rpath" (Spack `replace_rpath_in_place_or_raise`).
import { concatBytes, fromLatin1, toLatin1 } from '../core/bytes.js';
import type { PrefixMapping } from './engine.js';
import { matchAtStart } from './prefix-map.js';

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
