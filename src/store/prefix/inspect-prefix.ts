// Looks for the folders of a prefix that the environment of its users is made of.
import { statSync } from 'node:fs';
import { INSPECTED_FOLDERS, type PrefixInspection } from '../../buildcache/image/prefix-inspection.js';

/** Undefined where there is no such prefix. Links count as what they lead to, as in Spack. */
export function inspectPrefix(prefix: string): PrefixInspection | undefined {
  if (!isDirectory(prefix)) return undefined;
  return { prefix, folders: INSPECTED_FOLDERS.filter((folder) => isDirectory(`${prefix}/${folder}`)) };
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
  } catch {
    return false; // what cannot be entered is of no use in a search path either
  }
}
