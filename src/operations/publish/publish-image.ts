// Publishes an image of several packages under a name of its own, with everything that they need at run time.
import { requireImageTag } from '../../buildcache/image/tags.js';
import { UsageError } from '../../core/errors.js';
import type { WithSignal } from '../../core/with-signal.js';
import type { BuildCache, PublishedImage } from '../../mirror/build-cache.js';
import { requirePublisher } from '../../mirror/require-publisher.js';
import type { Spec, SpecNode } from '../../spec/spec.js';
import type { InspectInstalled } from './inspect-installed.js';

export interface ImageRequest extends WithSignal {
  readonly cache: BuildCache;
  readonly tag: string;
  /** They are in the build cache. */
  readonly specs: readonly Spec[];
  readonly inspect: InspectInstalled;
}

/**
 * Publishes an image.
 * @throws UsageError `usage` for a mirror that has no images, or a tag that cannot be one; as `Publisher.publishImage`
 */
export async function publishImage(request: ImageRequest): Promise<PublishedImage | undefined> {
  const { cache, tag, specs, inspect, signal } = request;
  const [first, ...others] = specs;
  if (first === undefined) return undefined;
  const publisher = requirePublisher(cache);
  if (publisher.publishImage === undefined) throw noImages(cache.url, tag);
  const specOf = (node: SpecNode) => specs.find(({ nodes }) => nodes.has(node.hash)) ?? first;
  const image = {
    tag,
    specs: [first, ...others] as const,
    inspect: (node: SpecNode) => inspect(node, specOf(node)),
  };
  return publisher.publishImage(image, { signal });
}

/** To be asked before anything is pushed. @throws UsageError `usage` */
export function requireImages(cache: BuildCache, tag: string): void {
  requireImageTag(tag);
  if (requirePublisher(cache).publishImage === undefined) throw noImages(cache.url, tag);
}

function noImages(mirror: string, tag: string): UsageError {
  return new UsageError('usage', `Cannot publish the image "${tag}" on "${mirror}": it is not a registry`, {
    hint: 'Only mirrors with oci: URLs have images',
    data: { mirror, tag },
  });
}
