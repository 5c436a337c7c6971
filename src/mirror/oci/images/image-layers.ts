// The layers that images consist of: the tarballs of packages, published in this run or read from the images that the registry has.

import { parseImageConfig } from '../../../buildcache/image/image-config.js';
import { inspectionOf, type PrefixInspection } from '../../../buildcache/image/prefix-inspection.js';
import { packageTag } from '../../../buildcache/image/tags.js';
import { MetadataError, MirrorError } from '../../../core/errors.js';
import type { WithSignal } from '../../../core/with-signal.js';
import { describeNode } from '../../../spec/describe.js';
import type { DagHash, SpecNode } from '../../../spec/spec.js';
import type { Repository } from '../../../transport/oci/repository.js';
import { readContent } from '../content/registry-content.js';
import { findImage, LARGEST_SPECFILE } from './package-image.js';

export interface ImageLayer {
  readonly digest: string;
  /** In bytes. */
  readonly size: number;
  /** Digest of the uncompressed archive. */
  readonly diffId: string;
  /** What the image that it was read from says of the package's prefix. */
  readonly inspection?: PrefixInspection | undefined;
}

export class ImageLayers {
  readonly #repository: Repository;
  readonly #layers = new Map<DagHash, Promise<ImageLayer> | ImageLayer>();

  constructor(repository: Repository) {
    this.#repository = repository;
  }

  /** Notes the tarball of a package that was published. */
  note(hash: DagHash, layer: ImageLayer): void {
    this.#layers.set(hash, layer);
  }

  /**
   * The layer of a package.
   * @throws MirrorError `dependency-missing`; those of reading its image
   */
  async find(node: SpecNode, options: WithSignal): Promise<ImageLayer> {
    const known = this.#layers.get(node.hash);
    if (known !== undefined) return known;
    const read = this.#read(node, options);
    this.#layers.set(node.hash, read);
    try {
      return await read;
    } catch (error) {
      this.#layers.delete(node.hash);
      throw error;
    }
  }

  async #read(node: SpecNode, { signal }: WithSignal): Promise<ImageLayer> {
    const repository = this.#repository;
    const image = await findImage(repository, packageTag(node), { signal });
    if (image === undefined) throw missing(repository, node);
    const { location } = image.stored;
    const named = { repository, content: image.manifest.config, kind: 'config', manifest: location };
    const bytes = await readContent(named, { limit: LARGEST_SPECFILE, signal });
    const { diffIds, environment } = parseImageConfig(bytes, `${location} (config)`);
    const diffId = diffIds.at(-1);
    if (diffId === undefined || diffIds.length !== image.manifest.layers.length)
      throw unequal(location, image.manifest.layers.length, diffIds.length);
    const { digest, size } = image.tarball;
    return { digest, size, diffId, inspection: inspectionOf(environment) };
  }
}

function missing(repository: Repository, node: SpecNode): MirrorError {
  const name = describeNode(node);
  const location = repository.location(packageTag(node));
  return new MirrorError(
    'dependency-missing',
    `Cannot make an image with "${name}": the registry does not have it`,
    {
      hint: 'Push it too: leave out "--only package"',
      data: { package: name, hash: node.hash, location },
    },
  );
}

function unequal(location: string, layers: number, diffIds: number): MetadataError {
  return new MetadataError(
    'metadata-invalid',
    `Cannot use "${location}": it has ${layers} layers, its config has digests of ${diffIds}`,
    { hint: 'Push the package again', data: { source: location, expected: layers, actual: diffIds } },
  );
}
