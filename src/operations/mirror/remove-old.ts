// Removes what the layouts 0 to 2 have of packages that were migrated: first what names others, so that no reader is led to what is gone.
import type { AuditEntry, CacheAudit, StoredThing } from '../../mirror/cache-audit.js';
import { removeThings } from '../../mirror/stored-thing.js';
import { contentsOf } from './audits.js';
import { type OldPackage, readOld } from './old-packages.js';

export interface RemovedOld {
  readonly files: number;
  readonly bytes: number;
}

export interface RemoveOldRequest {
  readonly packages: readonly OldPackage[];
  /** What is left of others that were migrated before. */
  readonly left: readonly StoredThing[];
  readonly audit: CacheAudit;
  readonly signal: AbortSignal | undefined;
}

/** Files that belong to nothing that was migrated stay. Errors as `ObjectWriter.remove`. */
export async function removeOld({ packages, left, audit, signal }: RemoveOldRequest): Promise<RemovedOld> {
  const contents = await contentsOf(audit, signal);
  const tarballs = new Set<StoredThing>();
  for (const entry of packages.flatMap(({ entries }) => entries)) {
    for (const { id } of (await readOld(entry, signal)).references) {
      const content = contents.get(id);
      if (content !== undefined) tarballs.add(content);
    }
  }
  const others: AuditEntry[] = [];
  for await (const entry of audit.entries({ signal })) others.push(entry);
  const indexes = others.filter(
    (entry) => entry.kind === 'index' || (entry.kind === 'other' && entry.isKnown),
  );
  const keys = others.filter(({ kind }) => kind === 'key index' || kind === 'key');
  const metadata = packages.flatMap(({ entries }) => entries);
  const steps: readonly (readonly StoredThing[])[] = [indexes, metadata, [...tarballs, ...left, ...keys]];
  for (const step of steps) await removeThings(step, { signal });
  const things = steps.flat();
  return { files: things.length, bytes: things.reduce((sum, { size }) => sum + (size ?? 0), 0) };
}
