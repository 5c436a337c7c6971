// The packages of a build cache of the layouts 0 to 2, each with the metadata that there is of it.
import { MetadataError } from '../../core/errors.js';
import type { CacheAudit, PackageEntry, ReadPackage } from '../../mirror/cache-audit.js';
import type { Spec } from '../../spec/spec.js';
import { NO_TRUST } from '../keys/trust.js';

export interface OldPackage {
  readonly hash: string;
  /** Signed metadata first. */
  readonly entries: readonly PackageEntry[];
}

export async function oldPackages(audit: CacheAudit, signal: AbortSignal | undefined): Promise<OldPackage[]> {
  const byHash = new Map<string, PackageEntry[]>();
  for await (const entry of audit.entries({ signal })) {
    if (entry.kind !== 'package') continue;
    const known = byHash.get(entry.hash);
    if (known === undefined) byHash.set(entry.hash, [entry]);
    else if (entry.isSigned) known.unshift(entry);
    else known.push(entry);
  }
  return [...byHash].map(([hash, entries]) => ({ hash, entries }));
}

/**
 * What metadata says, without being believed.
 * @throws MetadataError `wrong-package`, and what reading brings
 */
export async function readOld(
  entry: PackageEntry,
  signal: AbortSignal | undefined,
): Promise<ReadPackage & { readonly known: Spec }> {
  const read = await entry.read({ trust: NO_TRUST, signal });
  const known = await read.spec({ signal });
  const { location, hash } = entry;
  const { root } = known;
  if (root.hash === hash) return { ...read, known };
  throw new MetadataError(
    'wrong-package',
    `Cannot use "${location}": it describes "${root.name}/${root.hash}"`,
    {
      hint: 'The file was renamed or replaced: push the package again',
      data: { location, expected: hash, actual: root.hash },
    },
  );
}
