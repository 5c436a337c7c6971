// How long a root may be for every C string of a package: what a refusal tells, so that the next try fits.

import type { CStringReplacement, CStringReplacer, CStringWindow, PrefixMapping } from '../engine.js';
import { withoutIdentities } from '../prefixes/prefix-map.js';
import { type PrefixCursor, PrefixSearch } from '../prefixes/prefix-search.js';
import { decideCString, SUFFIX_SAFETY, seamFor } from './binary-rules.js';

/** How many bytes at the start of a new prefix are the root; undefined for one that lies elsewhere. */
export type RootLengthOf = (replacement: Uint8Array) => number | undefined;

/** Takes the place of a replacer, replaces nothing, and learns how long the root may be. */
export class StringRoom implements CStringReplacer {
  readonly seam: number;
  /** In bytes, for all strings so far that did not fit; undefined before there is one. */
  longestRoot: number | undefined;
  readonly #mapping: PrefixMapping;
  readonly #search: PrefixSearch;
  readonly #rootLengthOf: RootLengthOf;

  constructor(mapping: PrefixMapping, rootLengthOf: RootLengthOf) {
    this.#mapping = withoutIdentities(mapping);
    this.#search = new PrefixSearch(this.#mapping.map(([from]) => from));
    this.#rootLengthOf = rootLengthOf;
    this.seam = seamFor(this.#search.longest);
  }

  replace(bytes: Uint8Array, { start, isLast }: CStringWindow): CStringReplacement {
    const limit = isLast ? bytes.length : bytes.length - this.seam;
    const cursor = this.#search.cursor(bytes);
    let position = start;
    while (cursor.advance(position, limit)) position = this.#look(bytes, cursor);
    return { next: Math.max(position, limit), replaced: 0 };
  }

  /** Looks at one place only. */
  lookAt(bytes: Uint8Array, offset: number): void {
    const cursor = this.#search.cursor(bytes);
    if (cursor.advance(offset, offset + 1)) this.#look(bytes, cursor);
  }

  /** Returns where the match ends. */
  #look(bytes: Uint8Array, { offset, index }: PrefixCursor): number {
    const [old, replacement] = this.#mapping[index] ?? [];
    if (old === undefined || replacement === undefined) throw new TypeError('No such prefix');
    const end = offset + old.length;
    const found = bytes.subarray(end, end + SUFFIX_SAFETY + 1).indexOf(0);
    const suffixLength = found < 0 ? undefined : found;
    const rootLength = this.#rootLengthOf(replacement);
    if (rootLength !== undefined && decideCString(old, replacement, suffixLength).startsWith('cannot')) {
      const fitting = longestRootFor({ old, rest: replacement.subarray(rootLength), suffixLength });
      this.longestRoot = Math.min(this.longestRoot ?? fitting, fitting);
    }
    return end + (suffixLength === undefined ? 0 : suffixLength + 1);
  }
}

interface RootRequest {
  readonly old: Uint8Array;
  /** What follows the root in the new prefix. */
  readonly rest: Uint8Array;
  readonly suffixLength: number | undefined;
}

/** The longest root with which one string can be replaced, whatever its letters are; less than 1 when there is none. */
export function longestRootFor({ old, rest, suffixLength }: RootRequest): number {
  const room = old.length - rest.length;
  const shared = suffixLength === undefined ? 0 : SUFFIX_SAFETY - suffixLength;
  const endsAlike = shared <= 0 || Buffer.compare(old.slice(-shared), rest.slice(-shared)) === 0;
  return endsAlike ? room : room - SUFFIX_SAFETY - 1;
}
