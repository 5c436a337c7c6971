// A mirror: the place where the files of a build cache come from, by their paths. `ObjectMirror` is the one implementation.

import { type ReadOptions, readAll as readObject } from '../transport/read-object.js';

/** One file of a mirror, its body not yet read. */
export interface MirrorObject {
  /** Read it to the end or cancel it; a chunk may share its memory with others, so copy before a transfer. */
  readonly body: ReadableStream<Uint8Array>;
  /** Bytes, where the mirror says so before the body. */
  readonly size: number | undefined;
  /** A strong entity tag, with its quotes; weak ones are not reported. */
  readonly etag: string | undefined;
  /** The URL or path the bytes came from, without credentials, for messages. */
  readonly location: string;
}

export interface GetOptions {
  readonly signal?: AbortSignal | undefined;
}

/** Read access to a mirror; paths are relative to its root, separated by `/`, and not URL-encoded. */
export interface Mirror {
  /** The configured name, else the location. */
  readonly name: string;
  /** The URL of the root without credentials: unique per mirror, fit for messages and as a key of caches. */
  readonly url: string;
  /** Whether metadata from here must be signed. */
  readonly signed: boolean;
  /** The full URL or path of an object without credentials, for messages. */
  location(path: string): string;
  /**
   * Opens an object.
   * @throws MirrorError `mirror-not-found` when the mirror has no such object, and the other `mirror-…` codes.
   */
  get(path: string, options?: GetOptions): Promise<MirrorObject>;
  /** Like `get`, but answers `not-modified` when the object still has this entity tag; only where the mirror has tags. */
  getIfChanged?(path: string, etag: string, options?: GetOptions): Promise<MirrorObject | 'not-modified'>;
  /** Tells whether an object is there, without reading it. */
  has(path: string, options?: GetOptions): Promise<boolean>;
  /** The size of an object in bytes, from a mirror that knows it without asking anybody. */
  sizeOf?(path: string): number | undefined;
  /** The names directly below a folder, sorted; only where the mirror can list. An absent folder has none. */
  list?(path: string, options?: GetOptions): AsyncIterable<string>;
  /** Ends open connections, so that the process can exit; the mirror cannot be used afterwards. */
  close?(): Promise<void>;
}

/**
 * Reads a whole object into memory; starts again when the body breaks off.
 * @throws MetadataError `metadata-too-large` beyond the limit; whatever `mirror.get` throws.
 */
export function readAll(mirror: Mirror, path: string, options: ReadOptions): Promise<Uint8Array> {
  return readObject({ open: (name, how) => mirror.get(name, how) }, path, options);
}
