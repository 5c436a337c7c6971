// Copies the views of a mirror, as far as their packages are there now: what a view has already stays in it.
import type { OperationOptions } from '../../../core/progress.js';
import type { Mirror } from '../../../mirror/build-cache.js';
import type { DagHash } from '../../../spec/spec.js';
import { listPackages } from '../../publish/read-packages.js';
import { findIndex, type WrittenIndex } from '../../publish/write-index.js';
import { writeView } from '../../publish/write-view.js';
import type { Synchronization } from './synchronization.js';

export interface SyncedView {
  readonly view: string;
  readonly outcome: 'copied' | 'already-there';
  /** Packages of the mirror that belong to it. */
  readonly packages: number;
  readonly index?: WrittenIndex;
}

/**
 * Writes the views of the source, and what the destination's own view is to have.
 * @param there - hashes of the packages that the destination has now.
 */
export async function syncViews(
  there: ReadonlySet<string>,
  sync: Synchronization,
): Promise<readonly SyncedView[]> {
  const { publisher, options } = sync;
  const views = await viewsOf(sync, there);
  if (views.size > 0 && publisher.layout !== 3) {
    const names = [...views.keys()].map((view) => `"${view}"`).join(', ');
    const message = `Left out the views ${names}: only layout 3 has views`;
    options.onProgress?.({ type: 'warning', code: 'view-not-found', message });
    return [];
  }
  const synced: SyncedView[] = [];
  for (const [view, named] of views) {
    const wanted = [...named].filter((hash) => there.has(hash));
    if (wanted.length > 0) synced.push(await addToView({ view, wanted, sync }));
  }
  return synced;
}

/** By their names, with the hashes of their packages. */
async function viewsOf(
  { source, catalog, sources, destinationView, options }: Synchronization,
  there: ReadonlySet<string>,
): Promise<Map<string, Set<string>>> {
  const { signal } = options;
  const views = new Map<string, Set<string>>();
  const add = (view: string, hashes: Iterable<string>) => {
    const known = views.get(view) ?? new Set();
    for (const hash of hashes) known.add(hash);
    views.set(view, known);
  };
  const { view } = source.cache;
  if (view !== undefined)
    add(
      view,
      [...catalog.entries()].map(({ hash }) => hash),
    );
  else
    for (const { cache } of sources)
      for await (const entry of cache.audit?.views?.({ signal }) ?? []) {
        const { packages } = await entry.read({ signal });
        if (entry.view !== undefined) add(entry.view, packages.offeredHashes());
      }
  if (destinationView !== undefined) add(destinationView, there);
  return views;
}

interface ViewAddition {
  readonly view: string;
  readonly wanted: readonly string[];
  readonly sync: Synchronization;
}

async function addToView({ view, wanted, sync }: ViewAddition): Promise<SyncedView> {
  const { options } = sync;
  const mirror = await sync.openView(view);
  if (await hasAll(mirror, wanted, options))
    return { view, outcome: 'already-there', packages: wanted.length };
  const hashes = new Set(wanted);
  const packages = (await listPackages(mirror, options.signal)).filter(({ hash }) => hashes.has(hash));
  const { index } = await writeView({ mirror, packages, mode: 'append' }, options);
  return { view, outcome: 'copied', packages: packages.length, index };
}

async function hasAll(
  { cache }: Mirror,
  wanted: readonly string[],
  options: OperationOptions,
): Promise<boolean> {
  const there = await findIndex(cache, options);
  if (there === undefined) return false;
  const { packages } = await there.read({ signal: options.signal });
  return wanted.every((hash) => packages.offers(hash as DagHash));
}
