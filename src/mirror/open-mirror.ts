// Opens a mirror by the scheme of its URL; anything without a scheme is a path.

import type { ObjectStore } from '../transport/object-store.js';
import { type OpenStoreOptions, openObjectStore } from '../transport/open-store.js';
import type { Mirror } from './mirror.js';
import { ObjectMirror, type ObjectMirrorOptions, WritableObjectMirror } from './object-mirror.js';

export interface OpenMirrorOptions extends OpenStoreOptions, ObjectMirrorOptions {}

/**
 * Opens a mirror; nothing is read yet.
 * @param reference A `file:`, `http:` or `https:` URL, or a path.
 * @throws MirrorError `mirror-protocol` for other schemes and for what is not a URL.
 */
export function openMirror(reference: string, options: OpenMirrorOptions = {}): Mirror {
  const store = openObjectStore(reference, options);
  return hasWriter(store) ? new WritableObjectMirror(store, options) : new ObjectMirror(store, options);
}

function hasWriter(
  store: ObjectStore,
): store is ObjectStore & { readonly writer: NonNullable<ObjectStore['writer']> } {
  return store.writer !== undefined;
}
