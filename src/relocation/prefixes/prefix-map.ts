// The ordered mapping from old to new prefixes. Order matters: at each place the first mapping that matches wins.
// Paths in a plan are strings with one character per byte (latin1), so names that are not UTF-8 survive.
import { equalBytes, fromLatin1, startsWithBytes } from '../../core/bytes.js';
import type { PrefixMapping } from '../engine.js';

/** An ordered mapping as plain data: latin1 strings, printable and comparable. */
export type PathMapping = readonly (readonly [from: string, to: string])[];

/** The longest path on any system that packages come from; the kernels' tables are sized for it. */
export const LONGEST_PREFIX = 16_384;

/** Collects mappings; setting a key again replaces its value and keeps its position. */
export class PrefixMapBuilder {
  readonly #map = new Map<string, string>();

  set(from: string, to: string): this {
    this.#map.set(from, to);
    return this;
  }

  build(): PathMapping {
    return [...this.#map];
  }
}

/** The same mapping in bytes, as the engines take it. */
export function encodeMapping(mapping: PathMapping): PrefixMapping {
  return mapping.map(([from, to]) => [fromLatin1(from), fromLatin1(to)] as const);
}

/** Drops identities. Only for text and C strings: in rpaths and links an identity shields its path from later mappings. */
export function withoutIdentities(mapping: PrefixMapping): PrefixMapping {
  return mapping.filter(([from, to]) => !equalBytes(from, to));
}

/** The first mapping whose old prefix the path starts with; no boundary is needed after it. */
export function matchAtStart(
  path: Uint8Array,
  mapping: PrefixMapping,
): readonly [from: Uint8Array, to: Uint8Array] | undefined {
  return mapping.find(([from]) => startsWithBytes(path, from));
}

/**
 * Rejects prefixes that no kernel can search for.
 * @throws TypeError for an empty prefix or one beyond `LONGEST_PREFIX`: plans never contain them
 */
export function checkPrefixes(prefixes: readonly Uint8Array[]): void {
  for (const prefix of prefixes) {
    if (prefix.length === 0) throw new TypeError('A prefix must not be empty');
    if (prefix.length > LONGEST_PREFIX) {
      throw new TypeError(`A prefix must not be longer than ${LONGEST_PREFIX} bytes`);
    }
  }
}
