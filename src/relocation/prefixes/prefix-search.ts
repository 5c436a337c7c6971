// Finds prefixes in bytes, plainly: `Buffer.indexOf` on each common root, then a look at what follows.
// This is the search of the `js` engine and what the other engines are compared with.
import { startsWithBytes } from '../../core/bytes.js';
import { checkPrefixes } from './prefix-map.js';
import { findRoots } from './prefix-roots.js';

interface Candidate {
  readonly index: number;
  readonly prefix: Uint8Array;
}

interface RootGroup {
  readonly root: Uint8Array;
  /** The prefixes that begin with the root, in the order in which they were listed. */
  readonly members: readonly Candidate[];
}

/** A search for the first listed prefix at each place. */
export class PrefixSearch {
  readonly prefixes: readonly Uint8Array[];
  readonly longest: number;
  readonly groups: readonly RootGroup[];

  /** @throws TypeError for an empty prefix */
  constructor(prefixes: readonly Uint8Array[]) {
    checkPrefixes(prefixes);
    this.prefixes = prefixes;
    this.longest = prefixes.reduce((longest, prefix) => Math.max(longest, prefix.length), 0);
    const candidates = prefixes.map((prefix, index) => ({ index, prefix }));
    this.groups = findRoots(prefixes).map((root) => ({
      root,
      members: candidates.filter(({ prefix }) => startsWithBytes(prefix, root)),
    }));
  }

  cursor(bytes: Uint8Array): PrefixCursor {
    return new PrefixCursor(this.groups, bytes);
  }
}

/** Walks over the hits in one piece of bytes. */
export class PrefixCursor {
  /** Where the current hit begins. */
  offset = -1;
  /** Which prefix is there: the first listed one. */
  index = -1;
  readonly #groups: readonly RootGroup[];
  readonly #bytes: Buffer;
  /** For each group: where its root comes next; -1 before the first search, Infinity when it does not come. */
  readonly #next: number[];

  constructor(groups: readonly RootGroup[], bytes: Uint8Array) {
    this.#groups = groups;
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#next = groups.map(() => -1);
  }

  /** Goes to the first hit in `[from, limit)`; `from` never goes back. False when there is none. */
  advance(from: number, limit: number): boolean {
    let start = from;
    for (;;) {
      const group = this.#nearestRoot(start);
      if (group === undefined || this.offset >= limit) return false;
      const member = group.members.find(({ prefix }) => startsWithBytes(this.#bytes, prefix, this.offset));
      if (member !== undefined) {
        this.index = member.index;
        return true;
      }
      start = this.offset + 1;
    }
  }

  #nearestRoot(from: number): RootGroup | undefined {
    let nearest: RootGroup | undefined;
    let best = Number.POSITIVE_INFINITY;
    this.#groups.forEach((group, i) => {
      const offset = this.#rootFrom(i, group.root, from);
      if (offset < best) {
        best = offset;
        nearest = group;
      }
    });
    this.offset = best;
    return nearest;
  }

  #rootFrom(group: number, root: Uint8Array, from: number): number {
    const known = this.#next[group] ?? -1;
    if (known >= from) return known;
    const found = this.#bytes.indexOf(root, from);
    const offset = found < 0 ? Number.POSITIVE_INFINITY : found;
    this.#next[group] = offset;
    return offset;
  }
}
