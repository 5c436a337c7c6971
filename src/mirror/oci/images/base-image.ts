// What an image is made upon: nothing, or an image of the same architecture, whose layers are copied (Spack `copy_missing_layers`).
import { emptyConfig, type ImageConfig, parseImageConfig } from '../../../buildcache/image/image-config.js';
import {
  type ImageContent,
  isImageIndex,
  parseImageIndex,
  parseImageManifest,
} from '../../../buildcache/image/image-manifest.js';
import { OCI_CONFIG, OCI_MANIFEST } from '../../../buildcache/image/media-types.js';
import { MetadataError, MirrorError } from '../../../core/errors.js';
import type { WithSignal } from '../../../core/with-signal.js';
import type { Repository, StoredManifest } from '../../../transport/oci/repository.js';
import { openContent, readContent } from '../content/registry-content.js';
import { hasBlob, writePieces } from '../content/write-blob.js';
import { LARGEST_SPECFILE } from './package-image.js';

export interface BaseImage {
  /** Of the manifest: images upon it have the same, since some programs refuse a mixture. */
  readonly mediaType: string;
  readonly configType: string;
  readonly layers: readonly ImageContent[];
  readonly config: ImageConfig;
}

/** Where a base image is. */
export interface BaseImageSource {
  readonly repository: Repository;
  /** A tag or a digest. */
  readonly reference: string;
  /** The name of its repository, if that is in the registry of the build cache, too. */
  readonly mountFrom: string | undefined;
}

/** Indexes may name indexes, which Spack follows as far. */
const DEEPEST_INDEX = 3;

/** The base images of a run, one for each architecture. */
export class BaseImages {
  readonly #repository: Repository;
  readonly #source: BaseImageSource | undefined;
  readonly #images = new Map<string, Promise<BaseImage>>();

  /** @param repository - where the images upon them are published. */
  constructor(repository: Repository, source: BaseImageSource | undefined) {
    this.#repository = repository;
    this.#source = source;
  }

  /**
   * The base image for an architecture; its layers are in the repository then.
   * @throws MirrorError, also `mirror-not-found`; MetadataError, IntegrityError
   */
  async get(architecture: string, options: WithSignal): Promise<BaseImage> {
    const known = this.#images.get(architecture);
    if (known !== undefined) return known;
    const made = this.#make(architecture, options);
    this.#images.set(architecture, made);
    try {
      return await made;
    } catch (error) {
      this.#images.delete(architecture);
      throw error;
    }
  }

  async #make(architecture: string, options: WithSignal): Promise<BaseImage> {
    const source = this.#source;
    if (source === undefined)
      return {
        mediaType: OCI_MANIFEST,
        configType: OCI_CONFIG,
        layers: [],
        config: emptyConfig(architecture),
      };
    const stored = await findPlatform(source, architecture, options);
    const { mediaType, config, layers } = parseImageManifest(stored);
    const named = { repository: source.repository, manifest: stored.location };
    const bytes = await readContent(
      { ...named, content: config, kind: 'config' },
      { limit: LARGEST_SPECFILE, ...options },
    );
    for (const layer of layers) await this.#take(layer, { source, manifest: stored.location, ...options });
    return {
      mediaType,
      configType: config.mediaType,
      layers,
      config: parseImageConfig(bytes, `${stored.location} (config)`),
    };
  }

  async #take(layer: ImageContent, taking: Taking): Promise<void> {
    const { source, manifest, signal } = taking;
    const target = this.#repository;
    if (await hasBlob(target, layer, { signal })) return;
    const { mountFrom, repository } = source;
    if (mountFrom !== undefined && (await target.blobs.mount(layer.digest, mountFrom, { signal }))) return;
    const { body } = await openContent({ repository, content: layer, kind: 'layer', manifest }, { signal });
    await writePieces(target, { name: layer, pieces: body, signal });
  }
}

interface Taking extends WithSignal {
  readonly source: BaseImageSource;
  readonly manifest: string;
}

/** The manifest of one image: an index names them by their platforms. */
async function findPlatform(
  { repository, reference }: BaseImageSource,
  architecture: string,
  options: WithSignal,
): Promise<StoredManifest> {
  let wanted = reference;
  for (let depth = 0; depth <= DEEPEST_INDEX; depth++) {
    const stored = await repository.manifests.get(wanted, options);
    if (stored === undefined) throw absent(repository.location(wanted));
    if (!isImageIndex(stored)) return stored;
    const found = parseImageIndex(stored).find(
      (image) => image.architecture === architecture && (image.os ?? 'linux') === 'linux',
    );
    if (found === undefined) throw noPlatform(stored.location, architecture);
    wanted = found.digest;
  }
  const location = repository.location(reference);
  throw new MetadataError('metadata-invalid', `Cannot use "${location}": its indexes are nested too deeply`, {
    data: { source: location, limit: DEEPEST_INDEX },
  });
}

function absent(location: string): MirrorError {
  return new MirrorError('mirror-not-found', `Cannot find the base image "${location}"`, {
    hint: 'Check its name and its tag',
    data: { location },
  });
}

function noPlatform(location: string, architecture: string): MirrorError {
  return new MirrorError(
    'mirror-not-found',
    `Cannot use the base image "${location}": it has none for linux/${architecture}`,
    { hint: 'Choose one for the architecture of the packages', data: { location, architecture } },
  );
}
