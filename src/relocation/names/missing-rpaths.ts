// The install hook that drops entries of an rpath which lead nowhere (Spack `drop_redundant_rpaths`, FORMATS §5).
import { readElf } from '../../binfmt/elf/elf.js';
import type { ByteSource, Edit } from '../../core/byte-source.js';
import { equalBytes } from '../../core/bytes.js';
import { padInPlace, rewritableStrings } from './elf-patch.js';
import { joinRpath, splitRpath } from './rpath.js';

const DOLLAR = 0x24;
const SLASH = 0x2f;

/**
 * The edit that drops the entries of an ELF file's rpath that are neither relative to `$ORIGIN` (begin with `$`) nor
 * absolute and there; undefined when all stay or the file has no usable rpath.
 * @param exists whether an absolute path is there now; a dangling symlink is
 */
export function dropMissingRpaths(
  source: ByteSource,
  exists: (path: Uint8Array) => boolean,
): Edit | undefined {
  const rpath = rewritableStrings(readElf(source), { rewriteInterpreter: false })?.rpath;
  if (rpath === undefined) return undefined;
  const kept = splitRpath(rpath.value).filter(
    (entry) => entry[0] === DOLLAR || (entry[0] === SLASH && exists(entry)),
  );
  const value = joinRpath(kept);
  return equalBytes(value, rpath.value) ? undefined : padInPlace(rpath, value);
}
