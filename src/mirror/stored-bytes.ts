// A file of a package that was read and verified already: the store may have other bytes a moment later.
import type { OpenedObject } from '../transport/object-store.js';
import type { StoredFile } from './build-cache.js';

export interface ReadFile {
  /** As in `StoredFile`. */
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly location: string;
}

export function storedBytes({ path, bytes, location }: ReadFile): StoredFile {
  const open = async (): Promise<OpenedObject> => {
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(bytes);
        controller.close();
      },
    });
    return { body, size: bytes.length, tag: undefined, location };
  };
  return { path, sha256: undefined, measure: async () => bytes.length, open };
}
