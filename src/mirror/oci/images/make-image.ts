// Makes the image of packages: the layers of a base, of what they need at run time, and their own, each once (Spack `_oci_put_manifest`).

import { goArchitecture } from '../../../buildcache/image/go-architecture.js';
import { formatImageConfig } from '../../../buildcache/image/image-config.js';
import { DESCRIPTION, describeImage } from '../../../buildcache/image/image-description.js';
import { DOCKER_LAYER, DOCKER_MANIFEST, OCI_LAYER } from '../../../buildcache/image/media-types.js';
import { imageEnvironment, type PrefixInspection } from '../../../buildcache/image/prefix-inspection.js';
import { encodeUtf8 } from '../../../core/bytes.js';
import type { WithSignal } from '../../../core/with-signal.js';
import { asciiJson } from '../../../spec/json/ascii-json.js';
import type { DagHash, Spec, SpecNode } from '../../../spec/spec.js';
import { type TopologicalOrder, topologicalNodes } from '../../../spec/topological-order.js';
import { digestOf } from '../../../transport/oci/digest.js';
import type { NewManifest, Repository } from '../../../transport/oci/repository.js';
import type { PublishedLayout } from '../../build-cache.js';
import { writeBlob } from '../content/write-blob.js';
import type { BaseImage, BaseImages } from './base-image.js';
import type { ImageLayer, ImageLayers } from './image-layers.js';

export interface ImageRequest extends WithSignal {
  readonly repository: Repository;
  readonly bases: BaseImages;
  readonly layers: ImageLayers;
  readonly layout: PublishedLayout;
  /** One package, or those that an image with a name of its own is made of. */
  readonly specs: readonly [Spec, ...Spec[]];
  readonly inspect: (node: SpecNode) => PrefixInspection | undefined;
  /** JSON, for the image of a package. */
  readonly specfile: string | undefined;
}

export interface MadeImage extends NewManifest {
  readonly digest: string;
}

/**
 * Makes an image whose blobs are all in the repository; only its manifest is still to be written.
 * @throws MirrorError, also `dependency-missing`; MetadataError, IntegrityError
 */
export async function makeImage(request: ImageRequest): Promise<MadeImage> {
  const { repository, bases, specs, layout, signal } = request;
  const [first] = specs;
  const order: TopologicalOrder = layout === 3 ? 'breadth-first' : 'depth-first';
  const base = await bases.get(goArchitecture(first.root.arch), { signal });
  const nodes = topologicalNodes(specs, order)
    .filter(({ external }) => external === undefined)
    .reverse();
  const layers = new Map<DagHash, ImageLayer>();
  for (const node of nodes) layers.set(node.hash, await request.layers.find(node, { signal }));
  const inspect = (node: SpecNode) => request.inspect(node) ?? layers.get(node.hash)?.inspection;
  const found = [...layers.values()];
  const config = formatImageConfig({
    base: base.config,
    diffIds: found.map(({ diffId }) => diffId),
    environment: imageEnvironment({ specs, order, inspect, base: base.config.environment }),
    specfile: request.specfile,
  });
  const blob = await writeBlob(repository, config, { signal });
  const description = request.specfile && describeImage(first, { isSpack1: layout === 3 });
  const bytes = formatManifest({ base, config: blob, layers: found, description });
  return { bytes, mediaType: base.mediaType, digest: digestOf(bytes) };
}

interface ManifestParts {
  readonly base: BaseImage;
  readonly config: Pick<ImageLayer, 'digest' | 'size'>;
  readonly layers: readonly ImageLayer[];
  readonly description: string | undefined;
}

/** In the order of Spack's keys; Docker's manifests have no annotations. */
function formatManifest({ base, config, layers, description }: ManifestParts): Uint8Array {
  const isDocker = base.mediaType === DOCKER_MANIFEST;
  const mediaType = isDocker ? DOCKER_LAYER : OCI_LAYER;
  const annotations =
    isDocker || description === undefined ? {} : { annotations: { [DESCRIPTION]: description } };
  return encodeUtf8(
    asciiJson({
      mediaType: base.mediaType,
      schemaVersion: 2,
      config: { mediaType: base.configType, digest: config.digest, size: config.size },
      layers: [
        ...base.layers.map(({ raw }) => raw),
        ...layers.map(({ digest, size }) => ({ mediaType, digest, size })),
      ],
      ...annotations,
    }),
  );
}
