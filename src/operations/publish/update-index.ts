// Adds packages that were published just now to the index of a mirror, or to the view that the mirror was opened with.
import type { OperationOptions } from '../../core/progress.js';
import type { Mirror } from '../../mirror/build-cache.js';
import { indexMirror } from './index-mirror.js';
import { DEFAULT_JOBS, listPackages } from './read-packages.js';
import type { WrittenIndex } from './write-index.js';
import { writeView } from './write-view.js';

export interface UpdateIndexRequest {
  readonly mirror: Mirror;
  /** Of the packages that were published, or found there: of a view only these are known to belong into it. */
  readonly hashes: Iterable<string>;
  /** Number of specfiles to read concurrently; 16 by default. */
  readonly jobs?: number | undefined;
}

/**
 * Updates an index, in which everything belongs that is listed, or a view. Errors as `indexMirror` and `writeView`.
 * @returns the indexes, the newest layout first
 */
export async function updateIndex(
  { mirror, hashes, jobs = DEFAULT_JOBS }: UpdateIndexRequest,
  options: OperationOptions = {},
): Promise<readonly WrittenIndex[]> {
  if (mirror.cache.view === undefined)
    return (await indexMirror({ mirror, isUpdate: true, jobs }, options)).indexes;
  const wanted = new Set(hashes);
  const packages = (await listPackages(mirror, options.signal)).filter(({ hash }) => wanted.has(hash));
  const { index } = await writeView({ mirror, packages, mode: 'append', jobs }, options);
  return [index];
}
