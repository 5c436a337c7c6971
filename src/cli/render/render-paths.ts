// The paths that `inspect` found in a file, as text and as JSON.
import type { PathStrings } from '../../relocation/strings/path-strings.js';
import { displayPath } from '../../tar/safe-path.js';
import { count } from './format.js';
import { hexadecimal, tableLines } from './render-facts.js';

export function pathLines({ found, shown }: PathStrings): string[] {
  const rows = shown.map(({ offset, path, prefix }) => [
    hexadecimal(offset),
    displayPath(path),
    prefix === undefined ? '' : `prefix ${displayPath(prefix)}`,
  ]);
  const more = found - shown.length;
  const rest = more === 0 ? [] : [`  and ${more} more (--limit ${found} shows all)`];
  return [...tableLines(`${count(found, 'path')}, with offsets in the file`, rows), ...rest];
}

/** `limited`: there were more than are shown. */
export function pathsAsJson({ found, shown }: PathStrings): object {
  return {
    found,
    limited: found > shown.length,
    strings: shown.map(({ offset, path, prefix }) => ({
      offset,
      path: displayPath(path),
      prefix: prefix === undefined ? null : displayPath(prefix),
    })),
  };
}
