// Writes the package index into a registry as Spack does: as the only layer of an image with an empty config.
import { OCI_CONFIG, OCI_LAYER, OCI_MANIFEST } from '../../buildcache/image/media-types.js';
import { INDEX_TAG } from '../../buildcache/image/tags.js';
import { encodeUtf8 } from '../../core/bytes.js';
import { MirrorError } from '../../core/errors.js';
import type { Repository } from '../../transport/oci/repository.js';
import type { IndexWriteOptions, PackedIndex } from '../build-cache.js';
import { writeBlob, writePieces } from './content/write-blob.js';

const EMPTY = encodeUtf8('{}');

/**
 * Replaces the index.
 * @throws MirrorError `mirror-unconditional` for one that must be new: registries know no conditions; and those of writing
 */
export async function writeImageIndex(
  repository: Repository,
  index: PackedIndex,
  { mustBeNew = false, signal }: IndexWriteOptions,
): Promise<void> {
  if (mustBeNew) throw unconditional(repository.location(INDEX_TAG));
  const { sha256, size } = index;
  const name = { digest: `sha256:${sha256}`, size };
  await writePieces(repository, { name, pieces: index.chunks(), signal });
  const config = await writeBlob(repository, EMPTY, { signal });
  const bytes = encodeUtf8(
    JSON.stringify({
      mediaType: OCI_MANIFEST,
      schemaVersion: 2,
      config: { mediaType: OCI_CONFIG, digest: config.digest, size: config.size },
      layers: [{ mediaType: OCI_LAYER, digest: name.digest, size }],
    }),
  );
  signal?.throwIfAborted();
  await repository.manifests.put(INDEX_TAG, { bytes, mediaType: OCI_MANIFEST }, { signal });
}

/** For whoever wants to replace only what was seen. */
export function unconditional(location: string): MirrorError {
  return new MirrorError(
    'mirror-unconditional',
    `Cannot write "${location}" on a condition: registries know none`,
    {
      data: { location },
    },
  );
}
