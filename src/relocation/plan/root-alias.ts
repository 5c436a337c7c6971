// A short name for a long root: a symbolic link that stands in C strings, which cannot grow. Only there: rpaths, links and texts have
// room for the true root, and must lead somewhere even when the link is gone.
import type { PathMapping } from '../prefixes/prefix-map.js';

/** Latin1 strings. */
export interface RootAlias {
  readonly root: string;
  /** A symbolic link to the root. */
  readonly alias: string;
}

/** The mapping for C strings: new prefixes below the root that are longer than the old ones go by the alias; all others stay. */
export function withAliases(mapping: PathMapping, aliases: readonly RootAlias[]): PathMapping {
  return mapping.map(([from, to]) => {
    const found = to.length > from.length ? aliases.find(({ root }) => isBelow(to, root)) : undefined;
    return [from, found === undefined ? to : found.alias + to.slice(found.root.length)] as const;
  });
}

/** Whether a path is a root or lies in it. */
export function isBelow(path: string, root: string): boolean {
  return path.startsWith(root) && (path.length === root.length || path[root.length] === '/');
}
