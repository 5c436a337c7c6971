// Gets the publisher of a mirror, or fails if it is read-only.
import { MirrorError } from '../core/errors.js';
import type { BuildCache, Publisher } from './build-cache.js';

/**
 * The publisher of a build cache.
 * @throws MirrorError `mirror-read-only` for read-only caches (http, https, archives).
 */
export function requirePublisher({ url, publisher }: BuildCache): Publisher {
  if (publisher !== undefined) return publisher;
  throw readOnly(url);
}

/** The error for writing to a read-only mirror. */
export function readOnly(url: string): MirrorError {
  return new MirrorError('mirror-read-only', `Cannot write to "${url}": mirrors of this kind are read-only`, {
    hint: url.startsWith('file:')
      ? 'Push to a folder, then make the archive of it anew: "tar cf FILE.tar -C FOLDER ."'
      : 'Push to the folder that the server serves: a path or a file: URL',
    data: { mirror: url },
  });
}
