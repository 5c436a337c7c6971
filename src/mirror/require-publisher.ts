// A mirror as a place to publish to.
import { MirrorError } from '../core/errors.js';
import type { BuildCache, Publisher } from './build-cache.js';

/**
 * What publishes in a build cache.
 * @throws MirrorError `mirror-read-only` for caches that are only read (http, https).
 */
export function requirePublisher({ url, publisher }: BuildCache): Publisher {
  if (publisher !== undefined) return publisher;
  throw readOnly(url);
}

/** The error of who wants to write where it is only read. */
export function readOnly(url: string): MirrorError {
  return new MirrorError('mirror-read-only', `Cannot write to "${url}": mirrors of this kind are only read`, {
    hint: 'Push to the folder that is served there: a path or a file: URL',
    data: { mirror: url },
  });
}
