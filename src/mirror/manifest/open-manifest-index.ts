// The package index of layout 3: a manifest by name, which names the index by its digest. Spack: `DefaultIndexFetcher`.
import { type Manifest, parseManifest, requireRecord } from '../../buildcache/manifest/manifest.js';
import { BuildcacheError, MetadataError, UsageError } from '../../core/errors.js';
import type { WithSignal } from '../../core/with-signal.js';
import type { ObjectStore, OpenedObject } from '../../transport/object-store.js';
import { isNotFound, readBody } from '../../transport/read-object.js';
import type { KnownIndex, OpenedIndex } from '../build-cache.js';
import { Blobs } from './blobs.js';
import { INDEX_MANIFESTS, indexManifestPath, viewOfIndexManifest } from './paths.js';
import { LARGEST_MANIFEST } from './spec-manifests.js';

export interface ManifestIndexRequest extends WithSignal {
  readonly store: ObjectStore;
  readonly view: string | undefined;
  readonly known: KnownIndex | undefined;
}

/**
 * Opens the index, or says that the known one is still current. Errors as `IndexPlace.open`.
 * @throws UsageError `view-not-found`; MetadataError `index-version-unsupported` for an index of a newer Spack
 */
export async function openManifestIndex(
  request: ManifestIndexRequest,
): Promise<OpenedIndex | 'not-modified' | undefined> {
  const { store, known, signal } = request;
  const found = await openManifest(request);
  if (found === 'not-modified' || found === undefined) return found;
  const bytes = await readBody(found, { limit: LARGEST_MANIFEST, signal });
  const record = indexRecord(bytes, found.location);
  if (record.sha256 === known?.sha256) return 'not-modified';
  const opened = await new Blobs(store).open(record, found.location, { signal });
  // The tag is that of the manifest, which is what is asked for next time.
  return { ...opened, tag: store.hasLastingTags ? found.tag : undefined, sha256: record.sha256 };
}

async function openManifest(
  request: ManifestIndexRequest,
): Promise<OpenedObject | 'not-modified' | undefined> {
  const { store, view, known, signal } = request;
  try {
    return await store.open(indexManifestPath(view), { unlessTag: known?.tag, signal });
  } catch (error) {
    if (!isNotFound(error)) throw error;
    if (view !== undefined) throw await noSuchView(store, view, signal);
    return undefined;
  }
}

function indexRecord(bytes: Uint8Array, source: string) {
  const manifest = parseIndexManifest(bytes, source);
  if (manifest.records.length > 0 || manifest.unknownTypes.length === 0)
    return requireRecord(manifest, 'index');
  throw new MetadataError(
    'index-version-unsupported',
    `Cannot read "${source}": its index is of a kind that is not known: ${JSON.stringify(manifest.unknownTypes[0]?.slice(0, 80))}`,
    { hint: 'A newer Spack wrote it: update regraft', data: { source, actual: manifest.unknownTypes } },
  );
}

/** Spack signs manifests of packages only, and so reads no others. */
function parseIndexManifest(bytes: Uint8Array, source: string): Manifest {
  try {
    return parseManifest(bytes, source);
  } catch (error) {
    if (!(error instanceof MetadataError) || error.data.actual !== 'clearsigned') throw error;
    throw error.with({
      message: `Cannot read "${source}": it is signed, which only manifests of packages may be`,
      hint: 'Update the index of the mirror',
    });
  }
}

async function noSuchView(
  store: ObjectStore,
  view: string,
  signal: AbortSignal | undefined,
): Promise<UsageError> {
  const views = await listViews(store, signal);
  const hint =
    views === undefined
      ? 'Check its name, or leave it out for the index of all packages'
      : views.length === 0
        ? 'It has no views'
        : `Its views are: ${views.join(', ')}`;
  return new UsageError('view-not-found', `Cannot find the view "${view}" in "${store.url}"`, {
    hint,
    data: { mirror: store.url, view, ...(views && { views }) },
  });
}

/** Undefined where that cannot be listed, or not by everybody. */
async function listViews(
  { lister }: ObjectStore,
  signal: AbortSignal | undefined,
): Promise<string[] | undefined> {
  if (lister === undefined) return undefined;
  const views: string[] = [];
  try {
    for await (const { path } of lister.list(INDEX_MANIFESTS, { isRecursive: true, signal })) {
      const name = viewOfIndexManifest(path);
      if (name !== undefined && name !== '') views.push(name);
    }
    return views;
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof BuildcacheError) return undefined;
    throw error;
  }
}
