// Opens a mirror: the place by the scheme of its reference (`openObjectStore`), and on it the build cache of the layout that lies there.
// Another kind of place is a scheme of `openObjectStore`; another layout is an implementation of `BuildCache` that is chosen here.
import type { OpenStoreOptions } from '../transport/open-store.js';
import { openObjectStore } from '../transport/open-store.js';
import type { Mirror } from './build-cache.js';
import { ClassicCache } from './classic/classic-cache.js';
import type { PublishedLayout } from './classic/classic-publisher.js';

export interface OpenMirrorOptions extends OpenStoreOptions {
  /** The configured name; the location by default. */
  readonly name?: string | undefined;
  /** Whether metadata must be signed; true by default. */
  readonly signed?: boolean | undefined;
  /** The layout of what is published; 1 by default. */
  readonly layout?: PublishedLayout | undefined;
}

/**
 * Opens a mirror. It is asynchronous, as some places have to be asked which layout they have, and some which credentials count; the
 * places and the layouts that are known today are not asked.
 *
 * @param reference - a `file:`, `http:` or `https:` URL, or a path.
 * @throws MirrorError `mirror-protocol` for other schemes and for what is not a URL.
 */
export async function openMirror(reference: string, options: OpenMirrorOptions = {}): Promise<Mirror> {
  const { name, signed = true, layout } = options;
  const store = await openObjectStore(reference, options);
  return { cache: new ClassicCache({ store, name, layout }), requiresSignature: signed };
}
