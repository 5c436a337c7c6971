// Merges a section of the configuration from its scopes, and remembers which files each value came from. Spack `merge_yaml`.
import { ConfigValue } from '../config-value.js';
import { isMapping, parseKey, type YamlMapping, type YamlValue } from '../yaml-file.js';

/** The files that a value came from, the strongest first, by its path of keys. */
export class Origins {
  readonly #files = new Map<string, readonly string[]>();

  /** The files of the innermost part of the path that a file has set. */
  of(keys: readonly string[]): readonly string[] {
    for (let length = keys.length; length > 0; length--) {
      const files = this.#files.get(pathOf(keys.slice(0, length)));
      if (files !== undefined) return files;
    }
    return [];
  }

  /** A file sets a value of its own, or adds to what others have set. */
  add(keys: readonly string[], file: string, isMerged: boolean): void {
    const path = pathOf(keys);
    const others = isMerged ? (this.#files.get(path) ?? []) : [];
    if (!isMerged)
      for (const below of [...this.#files.keys()]) if (isBelow(below, path)) this.#files.delete(below);
    this.#files.set(path, [file, ...others]);
  }
}

export interface Merging {
  /** Of the stronger scope. */
  readonly file: string;
  readonly origins: Origins;
  readonly keys: readonly string[];
}

/**
 * Merges a mapping into that of the weaker scopes. The stronger scope's keys come first, as in Spack: the search order of mirrors and the
 * order of projections depend on it. A key `x::` replaces instead of merging.
 */
export function mergeScopes(weaker: YamlMapping, stronger: YamlMapping, merging: Merging): YamlMapping {
  const entries = new Map<string, YamlValue>();
  for (const [anyKey, value] of stronger) {
    if (typeof anyKey === 'object' && anyKey !== null) throw unusableKey(stronger, merging);
    const { key, replaces } = parseKey(anyKey);
    const old = replaces ? undefined : weaker.get(key);
    const keys = [...merging.keys, key];
    merging.origins.add(keys, merging.file, isMergeable(old, value));
    entries.set(key, mergeValues(old, value, { ...merging, keys }));
  }
  for (const [key, value] of weaker) if (!entries.has(String(key))) entries.set(String(key), value);
  return entries;
}

function unusableKey(value: YamlMapping, { keys, file }: Merging): Error {
  return new ConfigValue({ value, keys, fileOf: () => file }).invalid('has a key that is not a string');
}

function isMergeable(old: YamlValue | undefined, value: YamlValue): boolean {
  return (isMapping(old) && isMapping(value)) || (Array.isArray(old) && Array.isArray(value));
}

function mergeValues(old: YamlValue | undefined, value: YamlValue, merging: Merging): YamlValue {
  if (isMapping(value)) return mergeScopes(isMapping(old) ? old : new Map(), value, merging);
  if (typeof value === 'string') return parseKey(value).key; // Spack takes each text for a key
  if (!Array.isArray(value)) return value;
  const items = value.map((item: YamlValue) => mergeValues(undefined, item, merging));
  return Array.isArray(old) ? [...items, ...old.filter((item: YamlValue) => !items.includes(item))] : items;
}

function isBelow(path: string, other: string): boolean {
  return path.startsWith(`${other}\0`);
}

function pathOf(keys: readonly string[]): string {
  return keys.join('\0');
}
