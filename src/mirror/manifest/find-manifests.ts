// Whether a place has a build cache of layout 3.
import type { WithSignal } from '../../core/with-signal.js';
import type { ObjectStore } from '../../transport/object-store.js';
import { INDEX_MANIFESTS, indexManifestPath, LAYOUT_PATH, SPEC_MANIFESTS } from './paths.js';

/** Whether there is a `layout.json`, an index, or where that can be listed any manifest. Errors as `ObjectStore.stat`. */
export async function hasManifests(store: ObjectStore, options: WithSignal): Promise<boolean> {
  for (const path of [LAYOUT_PATH, indexManifestPath(undefined)])
    if ((await store.stat(path, options)) !== undefined) return true;
  for (const folder of [SPEC_MANIFESTS, INDEX_MANIFESTS])
    for await (const _ of store.lister?.list(folder, { isRecursive: true, ...options }) ?? []) return true;
  return false;
}
