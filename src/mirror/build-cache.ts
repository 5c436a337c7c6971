// What a build cache can answer, whatever its layout and wherever it lies. Only what every layout can answer stands here as a matter of
// course; what some cannot do is optional, so that callers see it before they begin.
import type { ArchiveRules } from '../buildcache/archive-rules.js';
import type { IndexFormat } from '../buildcache/index/write-index.js';
import type { RelocationRules } from '../buildcache/relocation-rules.js';
import type { Specfile } from '../buildcache/specfile/specfile.js';
import type { MirrorError } from '../core/errors.js';
import type { WithSignal } from '../core/with-signal.js';
import type { Spec } from '../spec/spec.js';
import type { Inflater } from '../stream/inflate/inflater.js';
import type { OpenedObject } from '../transport/object-store.js';

/** A build cache as it is configured: whether signatures are required is no property of the place. */
export interface Mirror {
  readonly cache: BuildCache;
  /** Whether metadata from here must be signed by somebody who is trusted. */
  readonly requiresSignature: boolean;
}

/** Signed metadata of all mirrors is asked for before unsigned metadata of any. */
export type MetadataKind = 'signed' | 'unsigned';

export interface BuildCache {
  /** The configured name, else the URL or path. */
  readonly name: string;
  /** Without credentials: unique per cache, fit for messages and as a key of caches. */
  readonly url: string;
  /**
   * What the cache has of a package. Nothing but metadata is read.
   * @throws MirrorError; MetadataError, also `wrong-package`; SignatureError
   */
  describe(
    spec: Spec,
    kind: MetadataKind,
    options: DescribeOptions,
  ): Promise<PackageDescription | AbsentPackage>;
  /** Whether it has metadata of a package, of either kind; nothing is read. */
  has(spec: Spec, options?: WithSignal): Promise<boolean>;
  /** Where its package indexes are: one for each layout at the place, or for the view that was chosen. */
  readonly indexes: readonly IndexPlace[];
  /** The build caches at a place that has several, the newest layout first. */
  readonly layers?: readonly BuildCache[] | undefined;
  /** Every package by its own metadata, without the index, in a stable order; missing where the place cannot be listed. */
  packages?(options?: ListPackagesOptions): AsyncIterable<ListedPackage>;
  /** Compressed bytes of a package, from a cache that knows without asking anybody; a hint, which never fails. */
  sizeHint?(spec: Spec): number | undefined;
  readonly keys: KeyShelf;
  /** Missing where the place is only read. */
  readonly publisher?: Publisher | undefined;
  /** Ends open connections, so that the process can exit; the cache cannot be used afterwards. */
  close?(): Promise<void>;
}

/** Who is believed. Given by operations, made of signature/, so that a layout may read a signed text in the middle of its work. */
export interface Trust {
  /**
   * The text of a clearsigned file: verified where signatures are required, else taken out of its frame.
   * @throws SignatureError
   */
  open(
    bytes: Uint8Array,
    location: string,
  ): Promise<{ readonly text: Uint8Array; readonly isVerified: boolean }>;
  /**
   * Verifies a detached signature, where signatures are required.
   * @throws SignatureError, also `signature-missing` where there is none
   */
  openDetached(
    text: Uint8Array,
    signature: Uint8Array | undefined,
    location: string,
  ): Promise<{ readonly isVerified: boolean }>;
  /** Whether signatures are required. */
  readonly isRequired: boolean;
}

export interface DescribeOptions extends WithSignal {
  readonly trust: Trust;
}

/** There is no metadata of the kind that was asked for. */
export interface AbsentPackage {
  /** Says where it was looked for: a part of the error when no mirror has the package. */
  readonly absence: MirrorError;
}

export interface PackageDescription {
  /** URL or path of the metadata. */
  readonly location: string;
  readonly specfile: Specfile;
  /** `pending`: the signature lies inside of what `unwrap` opens. */
  readonly signature: 'verified' | 'not-required' | 'pending';
  readonly rules: RelocationRules;
  readonly tarball: TarballReference;
  /** What belongs to the package as it lies there, the tarball first and the metadata last: for downloads and copies. */
  readonly files: readonly StoredFile[];
  /**
   * Only where the package proper lies inside of another archive (layout 0): fetches that, verifies what is in it, and describes the
   * package as it says. Its tarball is then read from the scratch file, which must stay as long.
   */
  unwrap?(options: UnwrapOptions): Promise<UnwrappedPackage>;
}

export interface UnwrapOptions extends DescribeOptions {
  readonly spec: Spec;
  readonly inflater: Inflater;
  readonly scratch: ScratchFile;
  /** Told when the fetch begins, with 0 bytes, and then of the bytes that came so far. */
  readonly onBytes?: ((bytes: number, size: number | undefined) => void) | undefined;
}

/** A private file for what must be kept for a while. */
export interface ScratchFile {
  /** Begins anew, without what was written before. */
  begin(): void;
  write(bytes: Uint8Array): void;
  /** Ends what `begin` began. */
  end(): void;
  /** Reads what was written, from its beginning each time. */
  open(): ReadableStream<Uint8Array>;
}

export interface UnwrappedPackage extends PackageDescription {
  /** The archive that was unwrapped, which is what a user's own digest means. */
  readonly outer: { readonly location: string; readonly sha256: string; readonly size: number };
}

/** The compressed archive of a package. */
export interface TarballReference {
  /** URL or path, for messages. */
  readonly location: string;
  /** Compressed bytes, where the metadata says so. */
  readonly size: number | undefined;
  /**
   * What the compressed bytes must be. Asking is what fails where the metadata names no usable checksum.
   * @throws IntegrityError `checksum-missing`, `checksum-invalid`
   */
  readonly sha256: string;
  /** Opens it, anew each time. */
  open(options?: WithSignal): Promise<OpenedObject>;
}

/** A file of a package as it lies in the cache. */
export interface StoredFile {
  /** Where a download puts it: in the layouts 0 to 2 from `build_cache` on, as Spack's downloads. */
  readonly path: string;
  /** What it must be, where that is known before it is read. Throws as that of the tarball. */
  readonly sha256: string | undefined;
  open(options?: WithSignal): Promise<OpenedObject>;
}

export interface IndexPlace {
  /** Unique among all indexes of all caches, without credentials: the key of caches on disk. */
  readonly key: string;
  /** URL or path, for messages. */
  readonly location: string;
  /**
   * Opens the index; undefined when there is none.
   * @param known - what the caller has from before: `not-modified` when it is still current.
   */
  open(
    known: KnownIndex | undefined,
    options?: WithSignal,
  ): Promise<OpenedIndex | 'not-modified' | undefined>;
}

/** An index that somebody has from before. */
export interface KnownIndex {
  readonly sha256: string;
  readonly tag: string | undefined;
}

export interface OpenedIndex extends OpenedObject {
  /** What the bytes must be, where the cache says so; undefined: their own digest is the one that counts. */
  readonly sha256: string | undefined;
}

export interface ListPackagesOptions extends WithSignal {
  /** Only packages whose hash begins so. */
  readonly hashPrefix?: string | undefined;
}

/** A package that was found by listing. One with metadata of both kinds is found twice. */
export interface ListedPackage {
  /** As its name says: whatever stands there in place of a hash. */
  readonly hash: string;
  /** Of its metadata. */
  readonly location: string;
  /**
   * Reads what the metadata says, for indexes and questions: whether it describes what its name says is for the caller to ask.
   * @throws MirrorError, MetadataError, SignatureError
   */
  read(options: DescribeOptions): Promise<Spec>;
}

/** The public keys of a cache. What it says is shown, never believed. */
export interface KeyShelf {
  /** The keys that the index of keys names; without an index none. */
  list(options?: WithSignal): Promise<readonly ShelvedKey[]>;
}

export interface ShelvedKey {
  /** As the cache spells it. */
  readonly fingerprint: string;
  readonly location: string;
  read(options?: WithSignal): Promise<Uint8Array>;
}

/** Signs the text of metadata; what it returns is published. */
export type SignText = (text: Uint8Array) => Promise<Uint8Array>;

export interface Publisher {
  /** What the archive must be like, which depends on the layout. */
  readonly archive: ArchiveRules;
  /** The oldest format that nodes in its index have. */
  readonly indexFormat: IndexFormat;
  /** Whether the package is there whole, with metadata of either kind. */
  has(spec: Spec, options?: WithSignal): Promise<boolean>;
  /** Begins a package; nothing of it is visible until `finish`. */
  begin(spec: Spec, options?: WithSignal): Promise<Publication>;
  /** Writes the package index in one step. */
  writeIndex(index: PackedIndex, options?: WithSignal): Promise<void>;
  readonly keys: KeyPublisher;
}

export interface Publication {
  /** Appends compressed bytes of the tarball. */
  write(bytes: Uint8Array): Promise<void>;
  /** Makes the package visible, and removes metadata of the other kind. */
  finish(content: PublishedContent, options?: WithSignal): Promise<void>;
  /** Drops what was written; when `finish` succeeded it does nothing. Never throws. */
  abandon(): Promise<void>;
}

export interface PublishedContent {
  /** `.spack/spec.json` of the package, and its path for messages. */
  readonly specJson: { readonly bytes: Uint8Array; readonly path: string };
  /** Of the compressed bytes. */
  readonly sha256: string;
  readonly size: number;
  /** Without it the package is published unsigned. */
  readonly sign?: SignText | undefined;
}

export interface PackedIndex {
  /** How many packages it offers. */
  readonly packages: number;
  /** The bytes, from the beginning each time. */
  chunks(): Iterable<Uint8Array>;
  readonly size: number;
  readonly sha256: string;
}

export interface KeyPublisher {
  /** Writes the file of a key; the index does not name it yet. */
  write(
    key: { readonly fingerprint: string; readonly armored: Uint8Array },
    options?: WithSignal,
  ): Promise<void>;
  /** The files that are there, whatever the index says; missing where the place cannot be listed. */
  files?(options?: WithSignal): AsyncIterable<ShelvedKey>;
  writeIndex(fingerprints: readonly string[], options?: WithSignal): Promise<void>;
}
