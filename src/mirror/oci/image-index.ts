// The package index in a registry: a manifest with the tag `index.spack`, whose first layer is the index (FORMATS.md §6, §7; Spack
// `OCIIndexFetcher`). The digest of the layer tells whether a known index is still current.
import { type ImageContent, parseImageManifest, sha256Of } from '../../buildcache/image/image-manifest.js';
import { INDEX_TAG } from '../../buildcache/image/tags.js';
import { MetadataError } from '../../core/errors.js';
import type { WithSignal } from '../../core/with-signal.js';
import type { Repository, StoredManifest } from '../../transport/oci/repository.js';
import type { KnownIndex, OpenedIndex } from '../build-cache.js';
import { openContent } from './content/registry-content.js';

/** The index, not yet opened. */
export interface FoundIndex {
  readonly stored: StoredManifest;
  readonly content: ImageContent;
}

/** Opens the index. Errors as `IndexPlace.open`. */
export async function openImageIndex(
  repository: Repository,
  known: KnownIndex | undefined,
  { signal }: WithSignal,
): Promise<OpenedIndex | 'not-modified' | undefined> {
  if (known?.tag !== undefined) {
    const there = await repository.manifests.resolve(INDEX_TAG, { signal });
    if (there === undefined) return undefined;
    if (there.digest === known.tag) return 'not-modified';
  }
  const found = await findImageIndex(repository, { signal });
  if (found === undefined) return undefined;
  const { stored, content } = found;
  const sha256 = sha256Of(content);
  if (sha256 === known?.sha256) return 'not-modified';
  const named = { repository, content, kind: 'index', manifest: stored.location };
  return { ...(await openContent(named, { signal })), tag: stored.digest, sha256 };
}

/**
 * What the index consists of; undefined where there is none.
 * @throws MirrorError, MetadataError, IntegrityError
 */
export async function findImageIndex(
  repository: Repository,
  options: WithSignal,
): Promise<FoundIndex | undefined> {
  const stored = await repository.manifests.get(INDEX_TAG, options);
  if (stored === undefined) return undefined;
  const [content] = parseImageManifest(stored).layers;
  if (content !== undefined) return { stored, content };
  throw new MetadataError('metadata-invalid', `Cannot read "${stored.location}": it has no layer`, {
    hint: 'Update the index of the mirror',
    data: { source: stored.location },
  });
}
