// Opens a build cache in a registry, and the repository of the base image that images are made upon.
import { hashOfTag } from '../../buildcache/image/tags.js';
import { BuildcacheError, UsageError } from '../../core/errors.js';
import type { WithSignal } from '../../core/with-signal.js';
import { openRepository } from '../../transport/oci/open-repository.js';
import type { Repository } from '../../transport/oci/repository.js';
import { parseRepositoryUrl } from '../../transport/oci/repository-place.js';
import type { OpenStoreOptions } from '../../transport/open-store.js';
import type { PublishedLayout } from '../build-cache.js';
import type { BaseImageSource } from './images/base-image.js';
import { parseImageReference } from './images/image-reference.js';
import { findImage, layoutOf, readConfigSpecfile } from './images/package-image.js';
import { OciCache } from './oci-cache.js';

export interface OpenOciOptions extends OpenStoreOptions, WithSignal {
  readonly name?: string | undefined;
  readonly isOnlyRead: boolean;
  /** As in `OpenMirrorOptions`. */
  readonly view: string | undefined;
  readonly layout: PublishedLayout | undefined;
  readonly newLayout: PublishedLayout;
  readonly baseImage: string | undefined;
}

/**
 * Opens the cache. What is published has the layout of what is there, which is looked at unless it is only read.
 * @throws MirrorError `mirror-protocol`; UsageError `usage` for a view, `config` for a login that cannot be used
 */
export async function openOciMirror(reference: string, options: OpenOciOptions): Promise<OciCache> {
  const { name, isOnlyRead, view, newLayout, signal } = options;
  const repository = openRepository(reference, options);
  if (view !== undefined) throw noViews(repository.url, view);
  if (isOnlyRead) return new OciCache({ repository, name });
  const baseImage = openBaseImage(reference, options);
  const layout = options.layout ?? (await layoutThere(repository, { signal })) ?? newLayout;
  return new OciCache({ repository, name, publishing: { layout, baseImage } });
}

function openBaseImage(mirror: string, options: OpenOciOptions): BaseImageSource | undefined {
  if (options.baseImage === undefined) return undefined;
  const { url, reference } = parseImageReference(options.baseImage);
  const [base, own] = [parseRepositoryUrl(url), parseRepositoryUrl(mirror)];
  const isNeighbour = base.origin === own.origin;
  // The mirror's login is for its registry alone.
  const connection = isNeighbour ? options.connection : undefined;
  const repository = openRepository(url, { ...options, connection });
  return { repository, reference, mountFrom: isNeighbour ? base.name : undefined };
}

/** The layout of the first package that is there; undefined where none can be found. */
async function layoutThere(
  repository: Repository,
  options: WithSignal,
): Promise<PublishedLayout | undefined> {
  try {
    for await (const tag of repository.tags(options)) {
      if (hashOfTag(tag) === undefined) continue;
      const image = await findImage(repository, tag, options);
      return image && layoutOf((await readConfigSpecfile(repository, image, options)).specfile);
    }
  } catch (error) {
    options.signal?.throwIfAborted();
    // Whoever uses the mirror is told.
    if (!(error instanceof BuildcacheError)) throw error;
  }
  return undefined;
}

function noViews(mirror: string, view: string): UsageError {
  return new UsageError('usage', `Cannot open the view "${view}" of "${mirror}": registries have no views`, {
    hint: 'Leave the view out',
    data: { mirror, view },
  });
}
