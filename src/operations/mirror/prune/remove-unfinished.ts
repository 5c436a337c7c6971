// Gives up what somebody began to write into a mirror long ago: a run that was killed left it, and it takes room that no list shows.
import type { CacheAudit } from '../../../mirror/cache-audit.js';
import type { PrunedThing } from './pruned-thing.js';

export interface RemoveUnfinishedRequest {
  readonly audit: CacheAudit;
  /** What was begun later may still be on its way. */
  readonly oldest: number;
  readonly dryRun: boolean;
  readonly signal: AbortSignal | undefined;
}

/** Errors as `ObjectWriter.unfinished` and `UnfinishedObject.abort`. */
export async function removeUnfinished(request: RemoveUnfinishedRequest): Promise<PrunedThing[]> {
  const { audit, oldest, dryRun, signal } = request;
  const removed: PrunedThing[] = [];
  for await (const { location, begun, size, abort } of audit.unfinished?.({ signal }) ?? []) {
    if ((begun ?? Number.POSITIVE_INFINITY) >= oldest) continue;
    removed.push({ reason: 'unfinished', location, bytes: await size({ signal }) });
    if (!dryRun) await abort({ signal });
  }
  return removed;
}
