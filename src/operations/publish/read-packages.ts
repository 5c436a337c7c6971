// Lists and reads the packages of a mirror, whose specfiles describe them.
import { BuildcacheError, MetadataError } from '../../core/errors.js';
import type { OperationOptions } from '../../core/progress.js';
import type { ListedPackage, Mirror } from '../../mirror/build-cache.js';
import type { Spec } from '../../spec/spec.js';
import { inParallel } from '../in-parallel.js';
import { cannotList } from '../keys/publish-keys.js';
import { NO_TRUST } from '../keys/trust.js';

export interface UnreadableSpecfile {
  readonly location: string;
  readonly error: BuildcacheError;
}

/** Number of specfiles to read concurrently. */
export const DEFAULT_JOBS = 16;

export async function listPackages(
  { cache }: Pick<Mirror, 'cache'>,
  signal: AbortSignal | undefined,
): Promise<readonly ListedPackage[]> {
  if (cache.packages === undefined) throw cannotList(cache);
  const packages: ListedPackage[] = [];
  for await (const listed of cache.packages({ signal })) packages.push(listed);
  return packages;
}

export interface Reading {
  readonly packages: readonly ListedPackage[];
  readonly onSpec: (spec: Spec) => void;
  readonly jobs: number;
  readonly options: OperationOptions;
}

/** Reads packages, several at a time; one that cannot be read becomes a warning. */
export async function readPackages({
  packages,
  onSpec,
  jobs,
  options,
}: Reading): Promise<UnreadableSpecfile[]> {
  const unreadable: UnreadableSpecfile[] = [];
  const { signal, onProgress } = options;
  const read = async (listed: ListedPackage): Promise<void> => {
    try {
      onSpec(await readSpec(listed, signal));
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof BuildcacheError)) throw error;
      unreadable.push({ location: listed.location, error });
      onProgress?.({ type: 'warning', code: error.code, message: `Left out: ${error.message}` });
    }
  };
  await inParallel({ items: packages, jobs, signal, work: read });
  return unreadable.sort((a, b) => (a.location < b.location ? -1 : 1));
}

/** Signatures are not verified: the installation does that, and the index is not signed. */
async function readSpec(listed: ListedPackage, signal: AbortSignal | undefined): Promise<Spec> {
  const spec = await listed.read({ trust: NO_TRUST, signal });
  const { hash: expected, location } = listed;
  const { name, hash: actual } = spec.root;
  if (actual === expected) return spec;
  throw new MetadataError('wrong-package', `Cannot index "${location}": it describes "${name}/${actual}"`, {
    hint: 'The package cannot be found by its hash: push it again',
    data: { location, actual, expected },
  });
}
