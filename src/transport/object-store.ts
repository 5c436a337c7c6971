// Bytes by name: a folder, a web server, a bucket. Nothing here knows what the bytes are for. What a store cannot do (list, write) is
// missing from it, so that callers see it before they begin.
import type { WithSignal } from '../core/with-signal.js';

/** Bytes of an object, from `start` up to, but not including, `end`; without `end` up to the object's end. */
export interface ByteRange {
  readonly start: number;
  readonly end?: number | undefined;
}

export interface OpenOptions extends WithSignal {
  readonly range?: ByteRange | undefined;
  /** Answer `not-modified` when the object still has this tag. */
  readonly unlessTag?: string | undefined;
  /** Fail with `mirror-changed` when the object no longer has this tag: for the rest of a body that broke off. */
  readonly ifTag?: string | undefined;
}

/** An object, its body not yet read. */
export interface OpenedObject {
  /** Read it to the end or cancel it. A chunk may share its memory with others: copy it before a transfer. */
  readonly body: ReadableStream<Uint8Array>;
  /** Bytes of the body, where the store says so before it. */
  readonly size: number | undefined;
  /** A strong validator, with its quotes; a weak one is not reported. */
  readonly tag: string | undefined;
  /** The URL or path the bytes come from, without credentials, for messages. */
  readonly location: string;
}

export interface ObjectFacts {
  /** In bytes. */
  readonly size: number | undefined;
  readonly tag: string | undefined;
}

/** Paths are relative to the store's root, separated by `/`, and not URL-encoded. */
export interface ObjectStore {
  /** The URL of the root without credentials: unique per store, fit for messages and as a key of caches. */
  readonly url: string;
  /**
   * Whether a tag can be kept to ask much later, even after the store moved, for an object that has changed. Tags that do not last are
   * good for conditions only.
   */
  readonly hasLastingTags: boolean;
  /** The full URL or path of an object without credentials, for messages. */
  location(path: string): string;
  /**
   * Opens an object.
   * @throws MirrorError `mirror-not-found` when there is no such object, and the other `mirror-…` codes.
   */
  open(path: string, options?: OpenOptions & { readonly unlessTag?: undefined }): Promise<OpenedObject>;
  open(path: string, options: OpenOptions): Promise<OpenedObject | 'not-modified'>;
  /** Looks at an object without reading it; undefined when there is none. */
  stat(path: string, options?: WithSignal): Promise<ObjectFacts | undefined>;
  /** The size in bytes, from a store that knows it without asking anybody; a hint, which never fails. */
  sizeHint?(path: string): number | undefined;
  /** Missing where there is no way to learn what is there. */
  readonly lister?: ObjectLister | undefined;
  /** Missing where objects are only read. */
  readonly writer?: ObjectWriter | undefined;
  /** Ends open connections, so that the process can exit; the store cannot be used afterwards. */
  close?(): Promise<void>;
}

export interface ListOptions extends WithSignal {
  /** Objects in folders below, too; only those directly in the folder by default. */
  readonly isRecursive?: boolean | undefined;
  /** Name the folders directly in it, too: their paths end in `/`, as the prefixes that a bucket tells. Not together with `isRecursive`. */
  readonly withFolders?: boolean | undefined;
  /** Ask for the sizes, where that costs something. */
  readonly withSizes?: boolean | undefined;
}

export interface ListedObject {
  /** From the root of the store. */
  readonly path: string;
  /** In bytes; where it costs something only when it was asked for. */
  readonly size: number | undefined;
  /** When it was written, in milliseconds since 1970; as `size`. */
  readonly modified: number | undefined;
}

export interface ObjectLister {
  /** The objects of a folder, sorted by path; some may be no more when they are opened. A folder that is not there has none. */
  list(folder: string, options?: ListOptions): AsyncIterable<ListedObject>;
}

export interface BeginOptions extends WithSignal {
  /** The name it will get, where that is known already: a store that cannot rename need not keep it elsewhere meanwhile. */
  readonly path?: string | undefined;
}

export interface ObjectWriter {
  /**
   * Begins an object.
   * @throws MirrorError `mirror-full`, `mirror-read-only`, `mirror-write-failed`.
   */
  begin(options?: BeginOptions): Promise<PendingObject>;
  /** Removes an object; one that is not there is fine. Errors as `begin`. */
  remove(path: string, options?: WithSignal): Promise<void>;
}

/** What must hold for a name to be given: nobody has it, or the object that has it still has this tag. */
export type CommitCondition = 'absent' | { readonly ifTag: string };

/** An object on its way: invisible until it gets its name, which may depend on its content. */
export interface PendingObject {
  /** Appends bytes; the caller may reuse their memory afterwards. Errors as `commit`. */
  write(bytes: Uint8Array): Promise<void>;
  /** Makes everything durable that was written, and leaves for `commit` only what cannot take long. Errors as `commit`. */
  prepare(): Promise<void>;
  /**
   * Gives the object its name, in place of one that is there, in one step; afterwards it is done.
   * @throws MirrorError `mirror-changed` when the condition does not hold; `mirror-full`, `mirror-read-only`, `mirror-write-failed`;
   * then nothing is left behind.
   */
  commit(path: string, condition?: CommitCondition): Promise<ObjectFacts>;
  /** Drops what was written; after `commit` it does nothing. Never throws. */
  discard(): Promise<void>;
}
