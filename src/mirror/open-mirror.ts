// Opens a mirror: the place by the scheme of its reference (`openObjectStore`), and on it the build caches of the layouts that it has; or
// a registry. Another kind of place is a scheme of `openObjectStore`; another layout is an implementation of `BuildCache`, chosen here.
import { BuildcacheError, UsageError } from '../core/errors.js';
import { schemeOf } from '../core/url-scheme.js';
import type { WithSignal } from '../core/with-signal.js';
import type { ObjectStore } from '../transport/object-store.js';
import type { OpenStoreOptions } from '../transport/open-store.js';
import { openObjectStore } from '../transport/open-store.js';
import type { Mirror, PublishedLayout } from './build-cache.js';
import { ClassicCache } from './classic/classic-cache.js';
import { classicLayoutOf, hasClassic } from './classic/find-classic.js';
import { LayeredCache } from './layered-cache.js';
import { hasManifests } from './manifest/find-manifests.js';
import { ManifestCache } from './manifest/manifest-cache.js';
import { requireViewName } from './manifest/paths.js';
import { openOciMirror } from './oci/open-oci-mirror.js';

export type { PublishedLayout } from './build-cache.js';

export interface OpenMirrorOptions extends OpenStoreOptions {
  /** The configured name; the location by default. */
  readonly name?: string | undefined;
  /** Whether metadata must be signed; true by default. */
  readonly signed?: boolean | undefined;
  /** The index view of a mirror of layout 3; an empty name means none. A mirror with a view is of layout 3 alone. */
  readonly view?: string | undefined;
  /** The layout of what is published; that of what is there by default. */
  readonly layout?: PublishedLayout | undefined;
  /** Whether nothing will be published: then nothing is asked when it is opened. */
  readonly isOnlyRead?: boolean | undefined;
  /** The layout of what is published where nothing is there; 1 by default. */
  readonly newLayout?: PublishedLayout | undefined;
  /** In a registry: the image that images of packages are made upon. */
  readonly baseImage?: string | undefined;
}

/**
 * Opens a mirror. A place that can be written to is looked at, since what is published has the layout of what is there; others are not
 * asked yet.
 *
 * @param reference - a URL that `openObjectStore` knows, or a path.
 * @throws MirrorError `mirror-protocol` for other schemes and for what is not a URL; UsageError `usage` for a view of a place that is
 * written to and has packages of older layouts alone.
 */
export async function openMirror(
  reference: string,
  options: OpenMirrorOptions & WithSignal = {},
): Promise<Mirror> {
  const scheme = schemeOf(reference);
  if (scheme !== 'oci' && scheme !== 'oci+http') {
    if (options.baseImage !== undefined) throw noImages(options.baseImage);
    return openMirrorIn(openObjectStore(reference, options), options);
  }
  const { signed: requiresSignature = true, isOnlyRead = false, newLayout = 1, layout, baseImage } = options;
  const more = { isOnlyRead, view: viewOf(options), layout, newLayout, baseImage };
  return { cache: await openOciMirror(reference, { ...options, ...more }), requiresSignature };
}

/** Opens the mirror in a store that is open already, such as an archive that is being made. Errors as `openMirror`. */
export async function openMirrorIn(
  store: ObjectStore,
  options: OpenMirrorOptions & WithSignal = {},
): Promise<Mirror> {
  const { name, signed: requiresSignature = true } = options;
  const view = viewOf(options);
  if (view !== undefined && isWritten(store, options)) await requireViews(store, view, options);
  const manifests = new ManifestCache({ store, name, view });
  if (view !== undefined) return { cache: manifests, requiresSignature };
  const isOnlyRead = !isWritten(store, options);
  const layout = isOnlyRead ? undefined : await publishedLayout(store, options);
  const classic = new ClassicCache({ store, name, layout: layout === 3 ? undefined : layout });
  const cache = new LayeredCache({
    layers: [
      { cache: manifests, isThere: (how) => hasManifests(store, how) },
      { cache: classic, isThere: (how) => hasClassic(store, how) },
    ],
    publisher: isOnlyRead ? undefined : layout === 3 ? manifests.publisher : classic.publisher,
  });
  return { cache, requiresSignature };
}

function viewOf({ view }: OpenMirrorOptions): string | undefined {
  return view === undefined || view === '' ? undefined : requireViewName(view);
}

function noImages(baseImage: string): UsageError {
  return new UsageError('usage', `Cannot use the base image "${baseImage}": the mirror is not a registry`, {
    hint: 'Only mirrors with oci: URLs have images',
    data: { baseImage },
  });
}

function isWritten({ writer }: ObjectStore, { isOnlyRead = false }: OpenMirrorOptions): boolean {
  return !isOnlyRead && writer !== undefined;
}

/** Only layout 3 has views: what is published for one must not lie beside packages that it can never name. */
async function requireViews(
  store: ObjectStore,
  view: string,
  { layout, signal }: OpenMirrorOptions & WithSignal,
): Promise<void> {
  const found = await publishedLayout(store, { layout, newLayout: 3, signal });
  if (found === 3) return;
  const why = layout === undefined ? 'its packages are of an older layout' : `layout ${layout} has none`;
  throw new UsageError('usage', `Cannot write the view "${view}" in "${store.url}": ${why}`, {
    hint: 'Only layout 3 has views: convert the build cache with "regraft mirror migrate"',
    data: { mirror: store.url, view, layout: found },
  });
}

async function publishedLayout(
  store: ObjectStore,
  { layout, newLayout = 1, signal }: OpenMirrorOptions & WithSignal,
): Promise<PublishedLayout> {
  if (layout !== undefined) return layout;
  try {
    if (await hasManifests(store, { signal })) return 3;
    return (await classicLayoutOf(store, { signal })) ?? newLayout;
  } catch (error) {
    signal?.throwIfAborted();
    // Whoever uses the mirror is told: a place that cannot be read must not keep others from being read.
    if (error instanceof BuildcacheError) return newLayout;
    throw error;
  }
}
