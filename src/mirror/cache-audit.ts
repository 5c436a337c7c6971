// What lies in a build cache, thing by thing: to check one against the others, and to remove what nobody needs.
import type { PackageIndex } from '../buildcache/index/package-index.js';
import type { WithSignal } from '../core/with-signal.js';
import type { Spec } from '../spec/spec.js';
import type {
  ObjectWriter,
  OpenedObject,
  RemoveOptions,
  UnfinishedObject,
} from '../transport/object-store.js';
import type { KnownLayouts } from './known-layouts.js';
import type { PackedIndex } from './packed-index.js';
import type { DescribeOptions } from './trust.js';

/** Only where a place can be listed. */
export interface CacheAudit {
  /** The layouts that it knows. */
  readonly layouts: KnownLayouts;
  /** Everything with a name that people know, in a stable order. */
  entries(options?: WithSignal): AsyncIterable<AuditEntry>;
  /** The content that entries name, in a stable order. */
  contents(options?: WithSignal): AsyncIterable<StoredContent>;
  /** The views; missing where the layouts have none. */
  views?(options?: WithSignal): AsyncIterable<IndexEntry>;
  /** What somebody began to write, where the place can tell: it is no entry and no content. */
  unfinished?(options?: WithSignal): AsyncIterable<UnfinishedThing>;
  /** Tells everybody that content will be removed; missing where nobody relies on it. Errors as `ObjectWriter`. */
  noteRemoval?(options?: WithSignal): Promise<RemovalNote>;
  /** The index, or a view by its name; undefined where it does not exist. */
  findIndex(view: string | undefined, options?: WithSignal): Promise<IndexEntry | undefined>;
}

/** Says that somebody is removing content. */
export interface RemovalNote {
  /** Says that it is over: what must stay is back. After a failure it is left as it is. */
  end(): Promise<void>;
}

/** An object of the place. */
export interface StoredThing {
  readonly location: string;
  readonly size: number | undefined;
  /** When it was written, in milliseconds since 1970. */
  readonly modified: number | undefined;
  /** What it is like now, for `remove`; undefined where it is gone. */
  tag(options?: WithSignal): Promise<string | undefined>;
  /** Missing where the place is only read. Errors as `ObjectWriter.remove`. */
  remove?(options?: RemoveOptions): Promise<void>;
  /** For removing many of them: `removeThings`. Present with `remove`. */
  readonly removal?: { readonly writer: ObjectWriter; readonly path: string } | undefined;
}

export interface UnfinishedThing extends Omit<UnfinishedObject, 'path'> {
  readonly location: string;
}

export interface StoredContent extends StoredThing {
  /** As references name it: unique in the cache. */
  readonly id: string;
  /** Hash of the package that it belongs to, where its name says so. */
  readonly package?: string;
  open(options?: WithSignal): Promise<OpenedObject>;
  /** Writes it again after it was removed, from what `open` gave before that. */
  restore?(bytes: AsyncIterable<Uint8Array>, options?: WithSignal): Promise<void>;
}

/** How an entry names content. */
export interface ContentReference {
  readonly id: string;
  readonly location: string;
  /** What the content is, for messages. */
  readonly kind: string;
  /** In bytes, where the entry says so. */
  readonly size: number | undefined;
  /** Undefined where the entry does not say what the content must be. */
  readonly sha256: string | undefined;
}

export type AuditEntry = PackageEntry | IndexEntry | KeyEntry | KeyIndexEntry | OtherEntry;

interface Entry extends StoredThing {
  /**
   * Everything that could be the name of a content, whatever the entry is, and even if it cannot be understood: what must not be
   * removed as long as it is there.
   */
  mentions?(options?: WithSignal): Promise<ReadonlySet<string>>;
}

/** Metadata of a package. */
export interface PackageEntry extends Entry {
  readonly kind: 'package';
  /** As its name says. */
  readonly hash: string;
  readonly isSigned: boolean | undefined;
  /**
   * Reads it, and verifies what the trust wants.
   * @throws MirrorError, MetadataError, SignatureError, IntegrityError
   */
  read(options: DescribeOptions): Promise<ReadPackage>;
}

export interface ReadPackage {
  readonly references: readonly ContentReference[];
  /** Reads the spec, which may be content, too. Errors as `read`. */
  spec(options?: WithSignal): Promise<Spec>;
}

/** A package index, or a view. */
export interface IndexEntry extends Entry {
  readonly kind: 'index';
  readonly view: string | undefined;
  /** As it was when the entry was found, unless it comes from a list. */
  readonly foundTag?: string | undefined;
  /** Errors as `PackageEntry.read`. */
  read(options?: WithSignal): Promise<ReadIndex>;
  /**
   * Writes another index in its place.
   * @throws MirrorError `mirror-changed` where somebody wrote it since it had that tag.
   */
  rewrite?(index: PackedIndex, known: Pick<ReadIndex, 'tag'>, options?: WithSignal): Promise<void>;
}

export interface ReadIndex {
  readonly references: readonly ContentReference[];
  readonly packages: PackageIndex;
  /** In bytes. */
  readonly size: number;
  readonly sha256: string;
  /** Of what was read. */
  readonly tag: string | undefined;
}

/** A public key. */
export interface KeyEntry extends Entry {
  readonly kind: 'key';
  readonly fingerprint: string;
  read(options?: WithSignal): Promise<ReadKey>;
}

export interface ReadKey {
  readonly references: readonly ContentReference[];
  readonly bytes: Uint8Array;
}

export interface KeyIndexEntry extends Entry {
  readonly kind: 'key index';
  read(options?: WithSignal): Promise<ReadKeyIndex>;
}

export interface ReadKeyIndex {
  readonly references: readonly ContentReference[];
  readonly fingerprints: readonly string[];
}

/** What belongs to the cache, but stands for nothing; or does not belong to it at all. */
export interface OtherEntry extends Entry {
  readonly kind: 'other';
  /** Whether the layout has such a file. */
  readonly isKnown: boolean;
}
