// Whether a place has a build cache of the layouts 0 to 2, and of which of them.
import type { WithSignal } from '../../core/with-signal.js';
import type { ObjectStore } from '../../transport/object-store.js';
import { readAll } from '../../transport/read-object.js';
import type { ClassicLayout } from './classic-publisher.js';
import {
  INDEX_PATH,
  LARGEST_SPECFILE,
  SIGNED_SPECFILE_ENDING,
  SPECFILE_ENDING,
  SPECFILES_ROOT,
} from './paths.js';

/** Whether there is an index, or where that can be listed a package. Errors as `ObjectStore.stat`. */
export async function hasClassic(store: ObjectStore, options: WithSignal): Promise<boolean> {
  if ((await store.stat(INDEX_PATH, options)) !== undefined) return true;
  return (await firstSpecfile(store, options)) !== undefined;
}

/** The layout of the packages that are there, by the first of them; undefined where none can be found. */
export async function classicLayoutOf(
  store: ObjectStore,
  { signal }: WithSignal,
): Promise<ClassicLayout | undefined> {
  const path = await firstSpecfile(store, { signal });
  if (path === undefined) return undefined;
  const bytes = await readAll(store, path, { limit: LARGEST_SPECFILE, signal });
  // It may be signed: whoever installs it verifies that, and reads it properly.
  const version = /"buildcache_layout_version"\s*:\s*(\d+)/.exec(Buffer.from(bytes).toString('latin1'))?.[1];
  return version === '2' ? 2 : 1;
}

async function firstSpecfile(store: ObjectStore, options: WithSignal): Promise<string | undefined> {
  for await (const { path } of store.lister?.list(SPECFILES_ROOT, options) ?? [])
    if (path.endsWith(SPECFILE_ENDING) || path.endsWith(SIGNED_SPECFILE_ENDING)) return path;
  return undefined;
}
