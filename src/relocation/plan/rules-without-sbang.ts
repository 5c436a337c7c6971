// A package of Spack 1.x that cannot move only because sbang's new path has no room in one of its C strings. Older Spacks leave that path
// alone in binaries, and install the package: so does this.
import { type RelocationRules, rulesOfLayout } from '../../buildcache/relocation-rules.js';
import { toLatin1 } from '../../core/bytes.js';
import { RelocationError } from '../../core/errors.js';
import { displayPath } from '../../tar/safe-path.js';

export interface RefusedRelocation {
  readonly error: unknown;
  /** By which it was refused. */
  readonly rules: RelocationRules;
  /** Paths that stand for sbang at the new place. */
  readonly sbangPaths: readonly string[];
}

export interface OtherRules {
  readonly rules: RelocationRules;
  readonly warning: string;
}

/** The rules by which a refused package is tried again; undefined where sbang's path is not what has no room. */
export function rulesWithoutSbang({ error, rules, sbangPaths }: RefusedRelocation): OtherRules | undefined {
  if (!rules.sbangInAllMappings || !(error instanceof RelocationError)) return undefined;
  if (error.code !== 'cannot-grow-string' && error.code !== 'cannot-shrink-string') return undefined;
  const { newPrefix, oldPrefix, path } = error.data;
  if (!sbangPaths.some((each) => toLatin1(Buffer.from(each)) === newPrefix)) return undefined;
  const where = path === undefined ? 'A C string' : `"${path}"`;
  const old = displayPath(String(oldPrefix));
  return {
    rules: rulesOfLayout(2),
    warning: `${where} has no room for the new path of sbang and keeps "${old}", as with Spack before 1.0`,
  };
}
