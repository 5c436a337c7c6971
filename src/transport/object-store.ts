// Bytes by name: a folder, a web server, a bucket. Nothing here knows what the bytes are for. An operation that a store lacks (list,
// write) is undefined on it, so that callers can tell before they begin.
import type { WithSignal } from '../core/with-signal.js';

/** Bytes of an object, from `start` up to, but not including, `end`; without `end` up to the object's end. */
export interface ByteRange {
  readonly start: number;
  readonly end?: number | undefined;
}

export interface OpenOptions extends WithSignal {
  readonly range?: ByteRange | undefined;
  /** Return `not-modified` when the object still has this tag. */
  readonly unlessTag?: string | undefined;
  /** Fail with `mirror-changed` when the object no longer has this tag: for resuming a body that broke off. */
  readonly ifTag?: string | undefined;
  /** As `ifTag`, by the time of the last change: a value of `OpenedObject.modified`. */
  readonly ifModified?: string | undefined;
  /**
   * The SHA-256 that the reader will check the whole object for. With it a body may go on where it broke off even if nothing tells whether
   * the object is still the same.
   */
  readonly sha256?: string | undefined;
  /** Told of bytes of the body as they arrive, long before they make a chunk; those that are not wanted count, too. */
  readonly onArrival?: ((bytes: number) => void) | undefined;
}

/** An object, its body not yet read. */
export interface OpenedObject {
  /** Read it to the end or cancel it. A chunk may share its memory with others: copy it before a transfer. */
  readonly body: ReadableStream<Uint8Array>;
  /** Size of the body in bytes, if known in advance. */
  readonly size: number | undefined;
  /** A strong validator, with its quotes; a weak one is not reported. */
  readonly tag: string | undefined;
  /** When it last changed, as the store writes it; only where two states of the object cannot have the same. */
  readonly modified?: string | undefined;
  /** How the server says that the body is encoded (`Content-Encoding`), which may be wrong; undefined for bytes as they are stored. */
  readonly encoding?: string | undefined;
  /** Size of the whole object in bytes where the body is a part of it, if known. */
  readonly total?: number | undefined;
  /** The URL or path the bytes come from, without credentials, for messages. */
  readonly location: string;
  /** Makes the decoded body end in an error where it repeats what authorized its request; missing where no network lies between. */
  readonly guard?: ((body: ReadableStream<Uint8Array>) => ReadableStream<Uint8Array>) | undefined;
}

export interface ObjectFacts {
  /** In bytes. */
  readonly size: number | undefined;
  readonly tag: string | undefined;
}

/** Paths are relative to the store's root, separated by `/`, and not URL-encoded. */
export interface ObjectStore {
  /** The URL of the root without credentials: unique per store, usable in messages and as a cache key. */
  readonly url: string;
  /**
   * Whether a tag can be kept to ask much later, even after the store moved, for an object that has changed. Tags that do not last are
   * good for conditions only.
   */
  readonly hasLastingTags: boolean;
  /** Whether no network lies between. */
  readonly isLocal?: boolean | undefined;
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
  /** The size in bytes, if the store knows it without a request. Only a hint; never fails. */
  sizeHint?(path: string): number | undefined;
  /** Undefined if the store cannot be listed. */
  readonly lister?: ObjectLister | undefined;
  /** Undefined if the store is read-only. */
  readonly writer?: ObjectWriter | undefined;
  /** Closes open connections so that the process can exit; the store cannot be used afterwards. */
  close?(): Promise<void>;
}

export interface ListOptions extends WithSignal {
  /** Include objects in subfolders; by default only those directly in the folder are listed. */
  readonly isRecursive?: boolean | undefined;
  /** Include the folders directly in it: their paths end in `/`, like the prefixes of a bucket. Not together with `isRecursive`. */
  readonly withFolders?: boolean | undefined;
  /** Include sizes even if they cost extra requests. */
  readonly withSizes?: boolean | undefined;
}

export interface ListedObject {
  /** Relative to the root of the store. */
  readonly path: string;
  /** In bytes; if it costs extra, only present on request. */
  readonly size: number | undefined;
  /** Modification time in milliseconds since 1970; present under the same condition as `size`. */
  readonly modified: number | undefined;
}

export interface ObjectLister {
  /** The objects of a folder, sorted by path. Some may be gone by the time they are opened. A missing folder has none. */
  list(folder: string, options?: ListOptions): AsyncIterable<ListedObject>;
}

export interface BeginOptions extends WithSignal {
  /** The final name, if already known: a store that cannot rename then needs no temporary place. */
  readonly path?: string | undefined;
  /** Keep the bytes until `discard`: `commit` may be called again, for the case that somebody removed the object. */
  readonly isRepeatable?: boolean | undefined;
  /**
   * SHA-256 of what will be written: what another try left of it, in this process or another one that is gone, is taken up, where the store
   * can. Then `kept` of the object has it. No two processes write to the same.
   */
  readonly partOf?: string | undefined;
}

/** The beginning of an object that another try left. Nobody has verified it. */
export interface KeptPart {
  /** In bytes. */
  readonly size: number;
  read(): ReadableStream<Uint8Array>;
}

export interface ObjectWriter {
  /**
   * Begins an object.
   * @throws MirrorError `mirror-full`, `mirror-read-only`, `mirror-write-failed`.
   */
  begin(options?: BeginOptions): Promise<PendingObject>;
  /**
   * Removes an object; does nothing if it does not exist. Errors as `begin`.
   * @throws MirrorError `mirror-changed` when the object no longer has the tag that it must have
   */
  remove(path: string, options?: RemoveOptions): Promise<void>;
  /**
   * Removes many objects with fewer requests; missing where that saves nothing. All are tried before it fails; the `failed` of the error's
   * data then has those that are left, if there are several. Errors as `begin`.
   */
  removeMany?(paths: readonly string[], options?: WithSignal): Promise<void>;
  /**
   * Objects below a folder that somebody began, and that will never appear where a run was killed: they take room, and no list has them. Missing
   * where a place has no such thing.
   */
  unfinished?(folder: string, options?: WithSignal): AsyncIterable<UnfinishedObject>;
}

export interface UnfinishedObject {
  /** The name that it would get. */
  readonly path: string;
  /** When it was begun, in milliseconds since 1970; undefined where the place does not say. */
  readonly begun: number | undefined;
  /** Of what has arrived, in bytes. */
  size(options?: WithSignal): Promise<number>;
  /** Gives up what has arrived; does nothing where it is finished or given up. Errors as `ObjectWriter.remove`. */
  abort(options?: WithSignal): Promise<void>;
}

export interface RemoveOptions extends WithSignal {
  /** Leave an object with another tag. Where the server does not know the condition, a moment between a look and the removal remains. */
  readonly ifTag?: string | undefined;
  /**
   * Together with a tag: leave an object that was written at another time, as lists say it. In a bucket, what is written again as it was
   * has the same tag. That moment remains everywhere.
   */
  readonly ifModified?: number | undefined;
}

/** Condition for a commit: no object has the name yet, or the object that has it still has this tag. */
export type CommitCondition = 'absent' | { readonly ifTag: string };

/** An object being written: invisible until it gets its name, which may depend on its content. */
export interface PendingObject {
  /** What is there already; writing goes on after it. */
  readonly kept?: KeptPart | undefined;
  /** Appends bytes; the caller may reuse their memory afterwards. Errors as `commit`. */
  write(bytes: Uint8Array): Promise<void>;
  /** Makes the written bytes durable, so that little work is left for `commit`. Errors as `commit`. */
  prepare(): Promise<void>;
  /**
   * Gives the object its name in one step, replacing any object that has it; nothing can be written afterwards. Only a repeatable one
   * may be committed again.
   * @throws MirrorError `mirror-changed` when the condition does not hold; `mirror-unconditional` where the place knows no
   * conditions; `mirror-full`, `mirror-read-only`, `mirror-write-failed`;
   * then nothing is left behind.
   */
  commit(path: string, condition?: CommitCondition): Promise<ObjectFacts>;
  /** Drops what was written, but not the object; after a `commit` that cannot be repeated it does nothing. Never throws. */
  discard(): Promise<void>;
  /** In place of `discard`, of an object begun with `partOf`: leaves what was written for another try. Never throws. */
  suspend?(): Promise<void>;
}
