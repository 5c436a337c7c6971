// A mirror is not copied to itself, nor into itself: what is written would be read again.
import { realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UsageError } from '../core/errors.js';
import type { BuildCache } from './build-cache.js';

/** @throws UsageError `mirrors-overlap` */
export function requireApart(source: Pick<BuildCache, 'url'>, destination: Pick<BuildCache, 'url'>): void {
  const [from, to] = [placeOf(source.url), placeOf(destination.url)];
  // Repositories are beside each other, whatever their names.
  const isInside = to.startsWith(`${from}/`) && !/^oci(\+http)?:/.test(from);
  if (to !== from && !isInside) return;
  const state = to === from ? 'that is the same place' : 'that place is inside of it';
  throw new UsageError('mirrors-overlap', `Cannot copy "${source.url}" to "${destination.url}": ${state}`, {
    hint: 'Name a place outside of the source; "regraft mirror migrate" changes the layout in place',
    data: { source: source.url, destination: destination.url },
  });
}

/** One name for one place, as far as can be told. */
function placeOf(url: string): string {
  const place = url.startsWith('file:') ? realPath(fileURLToPath(url)) : url;
  return place.replace(/\/+$/, '');
}

/** With links resolved, up to where nothing is there. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : join(realPath(parent), basename(path));
  }
}
