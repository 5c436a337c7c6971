// Which packages of a mirror are copied: what is named with what it needs, or everything.
import { BuildcacheError, MirrorError } from '../../../core/errors.js';
import type { ListedPackage } from '../../../mirror/build-cache.js';
import type { PackageCatalog } from '../../../mirror/index/package-catalog.js';
import { specFromRecords } from '../../../spec/json/spec-json.js';
import type { DagHash, Spec } from '../../../spec/spec.js';
import { allNodes, installOrder, subSpec } from '../../../spec/traverse.js';
import { readPackages, type UnreadableSpecfile } from '../../publish/read-packages.js';
import { resolveSpecs } from '../../query/resolve-specs.js';
import type { Synchronization } from './synchronization.js';

export interface SyncSelection {
  /** Each is the root of its graph; dependencies come before what needs them. */
  readonly specs: readonly Spec[];
  /** What could not be read, so that nobody knows what it is. */
  readonly unreadable: readonly UnreadableSpecfile[];
}

/** Errors as `resolveSpecs`; MirrorError `mirror-protocol` where nothing is named, and nobody can know what there is. */
export async function selectSynced(sync: Synchronization): Promise<SyncSelection> {
  if (sync.queries.length > 0) return { specs: await closure(sync), unreadable: [] };
  const { source, catalog } = sync;
  if (source.cache.view === undefined && source.cache.packages !== undefined) return everythingListed(sync);
  const specs = new Map<DagHash, Spec>();
  for (const { hash } of catalog.entries())
    specs.set(
      hash,
      specFromRecords(hash, (each) => catalog.node(each)),
    );
  if (specs.size > 0) return { specs: [...specs.values()], unreadable: [] };
  const { url } = source.cache;
  throw new MirrorError('mirror-protocol', `Cannot copy everything of "${url}": it has no index to go by`, {
    hint: 'Name the packages, or write the index where the mirror lies: "regraft index"',
    data: { mirror: url },
  });
}

async function closure(sync: Synchronization): Promise<Spec[]> {
  const { source, catalog, queries, readFile, withBuildDependencies, options } = sync;
  const { signal } = options;
  const roots = await resolveSpecs({ queries, catalog, mirrors: [source], readFile, signal });
  const chosen = new Map<DagHash, Spec>();
  for (const spec of roots)
    for (const node of installOrder(spec))
      if (node.external === undefined) chosen.set(node.hash, subSpec(spec, node));
  if (!withBuildDependencies) return [...chosen.values()];
  for (const spec of roots)
    for (const node of allNodes(spec)) {
      if (node.external !== undefined || chosen.has(node.hash)) continue;
      const one = subSpec(spec, node);
      if (catalog.find(node.hash) !== undefined || (await source.cache.has(one, { signal })))
        chosen.set(node.hash, one);
    }
  return [...chosen.values()];
}

/** The index spares reading what it has; what is there without being in it is read. */
async function everythingListed({ source, catalog, jobs, options }: Synchronization): Promise<SyncSelection> {
  const specs = new Map<DagHash, Spec>();
  const unknown: ListedPackage[] = [];
  for await (const listed of source.cache.packages?.({ signal: options.signal }) ?? []) {
    const hash = listed.hash as DagHash;
    if (specs.has(hash)) continue;
    const spec = specOf(hash, catalog);
    if (spec === undefined) unknown.push(listed);
    else specs.set(hash, spec);
  }
  const onSpec = (spec: Spec) => void specs.set(spec.root.hash, spec);
  const reading = { packages: unknown, onSpec, jobs: jobs ?? 4, options };
  return { unreadable: await readPackages(reading), specs: [...specs.values()] };
}

function specOf(hash: DagHash, catalog: PackageCatalog): Spec | undefined {
  if (catalog.find(hash) === undefined) return undefined;
  try {
    return specFromRecords(hash, (each) => catalog.node(each));
  } catch (error) {
    // The package's own metadata may be better.
    if (error instanceof BuildcacheError) return undefined;
    throw error;
  }
}
