// Rpaths relative to the file, as old build caches have them (`relative_rpaths: true`; Spack `relocate_elf_binaries` and
// `relocate_macho_binaries` with `rel`): resolved where the file was, mapped, and made relative to where it will be. Other than the
// reference, the first mapping that matches wins, as everywhere; it adds an entry for every one that does.
import { equalBytes, fromLatin1, startsWithBytes, toLatin1 } from '../../core/bytes.js';
import type { FileOrigin, PrefixMapping } from '../engine.js';
import type { RelocationPlan } from '../plan/plan.js';
import { joinPath, normalizePath, relativePath } from './normalize-path.js';
import { joinRpath, mapPath, RpathBuilder, splitRpath } from './rpath.js';

/** What stands for the file's directory in ELF files; the first is written. */
// biome-ignore lint/suspicious/noTemplateCurlyInString: the loader's syntax
const ELF_TOKENS = ['$ORIGIN', '${ORIGIN}'] as const;
const MACHO_TOKENS = ['@loader_path'] as const;

/** Where a listed file was and will be; undefined for a plan whose rpaths are absolute. */
export function originOf(plan: RelocationPlan, name: string): FileOrigin | undefined {
  if (!plan.relativeRpaths) return undefined;
  const folder = name.includes('/') ? `/${name.slice(0, name.lastIndexOf('/'))}` : '';
  return {
    old: fromLatin1(plan.oldPrefix + folder),
    new: fromLatin1(plan.newPrefix + folder),
    root: fromLatin1(plan.newLayoutRoot),
  };
}

/** The new rpath of an ELF file, without empty entries and repetitions of mapped ones; undefined when every entry stays. */
export function mapRelativeRpath(
  rpath: Uint8Array,
  mapping: PrefixMapping,
  origin: FileOrigin,
): Uint8Array | undefined {
  const absolute = new Set<string>();
  const value = new RpathBuilder();
  const entries = splitRpath(rpath).filter((entry) => entry.length > 0);
  for (const entry of entries) {
    const resolved = resolveToken(entry, ELF_TOKENS, origin) ?? entry;
    const mapped = mapPath(resolved, mapping);
    const path = mapped ?? resolved;
    const key = toLatin1(path);
    if (mapped === undefined || !absolute.has(key)) value.add(makeRelative(path, ELF_TOKENS[0], origin));
    absolute.add(key);
  }
  const built = value.build();
  return equalBytes(built, joinRpath(entries)) ? undefined : built;
}

/** The new name in a load command, other than that of the library itself. */
export function mapRelativeName(name: Uint8Array, mapping: PrefixMapping, origin: FileOrigin): Uint8Array {
  const resolved = resolveToken(name, MACHO_TOKENS, origin) ?? name;
  return makeRelative(mapPath(resolved, mapping) ?? resolved, MACHO_TOKENS[0], origin);
}

/**
 * The new name of a library itself: found by rpath when it lies below the new root. The reference takes the name of the file, so that a
 * library loses the name that its users know when that is a link.
 */
export function mapRelativeIdentity(
  name: Uint8Array,
  mapping: PrefixMapping,
  origin: FileOrigin,
): Uint8Array | undefined {
  const mapped = mapPath(name, mapping);
  if (mapped === undefined || !startsWithBytes(mapped, origin.root)) return mapped;
  const path = toLatin1(mapped);
  return fromLatin1(`@rpath/${path.slice(path.lastIndexOf('/') + 1)}`);
}

/** The absolute path that a relative one was; undefined for one without a token. */
function resolveToken(
  path: Uint8Array,
  tokens: readonly string[],
  origin: FileOrigin,
): Uint8Array | undefined {
  const text = toLatin1(path);
  const token = tokens.find((each) => text === each || text.startsWith(`${each}/`));
  return token === undefined
    ? undefined
    : fromLatin1(normalizePath(toLatin1(origin.old) + text.slice(token.length)));
}

function makeRelative(path: Uint8Array, token: string, origin: FileOrigin): Uint8Array {
  if (!startsWithBytes(path, origin.root)) return path;
  return fromLatin1(joinPath(token, relativePath(toLatin1(path), toLatin1(origin.new))));
}
