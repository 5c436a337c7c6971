// Whether a package goes when a mirror is pruned.
import { BuildcacheError, MirrorError } from '../../../core/errors.js';
import type { PackageEntry, StoredContent } from '../../../mirror/cache-audit.js';
import { isNotFound } from '../../../transport/read-object.js';
import { NO_TRUST } from '../../keys/trust.js';

export interface Judgement {
  readonly contents: ReadonlyMap<string, StoredContent>;
  readonly keep?: ReadonlySet<string> | undefined;
  readonly keepYoungerThan?: number | undefined;
  readonly age: number;
  /** Where it is not told, nothing is too young: what is seen there is whole. */
  readonly hasTimes: boolean;
  readonly now: number;
  readonly signal: AbortSignal | undefined;
}

export interface JudgedPackage {
  readonly reason: 'not-kept' | 'incomplete';
  /** Names of the content that goes with it. */
  readonly references: readonly string[];
}

/**
 * Why a package goes; undefined: it stays. One that cannot be understood stays: a newer Spack may have written it.
 * @throws MirrorError when it cannot be read
 */
export async function judgePackage(
  entry: PackageEntry,
  judgement: Judgement,
): Promise<JudgedPackage | undefined> {
  const { contents, keep, keepYoungerThan = 0, age, hasTimes, now, signal } = judgement;
  const modified = entry.modified ?? (hasTimes ? now : Number.NEGATIVE_INFINITY);
  let references: readonly string[];
  try {
    references = (await entry.read({ trust: NO_TRUST, signal })).references.map(({ id }) => id);
  } catch (error) {
    if (isNotFound(error)) return undefined; // another prune was faster
    if (!(error instanceof BuildcacheError) || error instanceof MirrorError) throw error;
    return undefined;
  }
  if (keep !== undefined && !keep.has(entry.hash)) {
    const youngest = Math.max(keepYoungerThan, age);
    return now - modified < youngest ? undefined : { reason: 'not-kept', references };
  }
  // What is named in a keep list stays, even if something of it is missing: whoever pushes it again completes it.
  if (keep?.has(entry.hash) === true) return undefined;
  const isWhole = references.every((id) => contents.has(id));
  return isWhole || now - modified < age ? undefined : { reason: 'incomplete', references };
}
