// What the target of a symlink becomes: FORMATS §5 "links" (Spack `relocate_links`, and Python's `posixpath.normpath`
// on what it writes).
import { fromLatin1, toLatin1 } from '../../core/bytes.js';
import type { PrefixMapping } from '../engine.js';
import { normalizePath } from './normalize-path.js';
import { mapPath } from './rpath.js';

const SLASH = 0x2f;

export interface RelocatedLink {
  readonly target: Uint8Array;
  /** Whether a mapping matched; the link must be written anew, even where its target stays the same. */
  readonly matched: boolean;
  /** An absolute target that no mapping covers: worth a warning. */
  readonly leadsOutside: boolean;
}

export interface LinkRules {
  readonly mapping: PrefixMapping;
  /** Whether a target that was replaced is normalized; true where nothing is said. */
  readonly normalize?: boolean;
}

/** The new target of a symlink: the first mapping that begins it replaced, and the result normalized. */
export function relocateLinkTarget(
  target: Uint8Array,
  { mapping, normalize = true }: LinkRules,
): RelocatedLink {
  const mapped = mapPath(target, mapping);
  if (mapped === undefined) return { target, matched: false, leadsOutside: target[0] === SLASH };
  const replaced = normalize ? fromLatin1(normalizePath(toLatin1(mapped))) : mapped;
  return { target: replaced, matched: true, leadsOutside: false };
}
