// The layout that a new mirror gets as a copy of another one.
import { BuildcacheError } from '../../../core/errors.js';
import type { WithSignal } from '../../../core/with-signal.js';
import type { BuildCache, PublishedLayout } from '../../../mirror/build-cache.js';
import { NO_TRUST } from '../../keys/trust.js';

/** That of the newest packages; in a registry each package has its own, and the first that can be read stands for all. Errors of listing. */
export async function newLayoutFor(cache: BuildCache, { signal }: WithSignal): Promise<PublishedLayout> {
  const [newest = cache] = (await cache.presentLayers?.({ signal })) ?? [];
  if (newest.layouts !== 'oci') return newest.layouts === '0-2' ? 2 : 3;
  const options = { trust: NO_TRUST, signal };
  for await (const listed of cache.packages?.({ signal }) ?? []) {
    try {
      const found = await cache.describe(await listed.read(options), 'unsigned', options);
      if (!('absence' in found)) return found.layout === 3 ? 3 : 2;
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof BuildcacheError)) throw error;
    }
  }
  return 3;
}
