// What a run that was killed while it removed the old has left: tarballs whose metadata is gone already.
import type { CacheAudit, PackageEntry, StoredContent } from '../../mirror/cache-audit.js';
import type { Spec } from '../../spec/spec.js';
import { NO_TRUST } from '../keys/trust.js';
import { contentsOf } from './audits.js';
import type { OldPackage } from './old-packages.js';

export interface LeftTarball {
  readonly content: StoredContent;
  /** Of its package, as the new layout has it. */
  readonly spec: Spec;
}

export interface LeftTarballsRequest {
  /** Those that have metadata. */
  readonly packages: readonly OldPackage[];
  readonly from: CacheAudit;
  readonly to: CacheAudit;
  readonly signal: AbortSignal | undefined;
}

/** Tarballs of packages that the new layout has, and the old has no more. Errors as `PackageEntry.read`. */
export async function leftTarballs(request: LeftTarballsRequest): Promise<LeftTarball[]> {
  const { packages, from, to, signal } = request;
  const known = new Set(packages.map(({ hash }) => hash));
  const left = [...(await contentsOf(from, signal)).values()].filter(
    ({ package: hash }) => hash !== undefined && !known.has(hash),
  );
  if (left.length === 0) return [];
  const migrated = new Map<string, PackageEntry>();
  for await (const entry of to.entries({ signal }))
    if (entry.kind === 'package') migrated.set(entry.hash, entry);
  const found: LeftTarball[] = [];
  for (const content of left) {
    const entry = content.package === undefined ? undefined : migrated.get(content.package);
    if (entry === undefined) continue;
    const { spec } = await entry.read({ trust: NO_TRUST, signal });
    found.push({ content, spec: await spec({ signal }) });
  }
  return found;
}
