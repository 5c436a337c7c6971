// What a build cache can answer, whatever its layout and wherever it lies. Only what every layout can answer stands here as a matter of
// course; what some cannot do is optional, so that callers see it before they begin.
import type { ArchiveRules } from '../buildcache/archive-rules.js';
import type { PrefixInspection } from '../buildcache/image/prefix-inspection.js';
import type { IndexFormat } from '../buildcache/index/write-index.js';
import type { RelocationRules } from '../buildcache/relocation-rules.js';
import type { Specfile } from '../buildcache/specfile/specfile.js';
import type { MirrorError } from '../core/errors.js';
import type { WithSignal } from '../core/with-signal.js';
import type { DagHash, Spec, SpecNode } from '../spec/spec.js';
import type { Inflater } from '../stream/inflate/inflater.js';
import type { OpenedObject } from '../transport/object-store.js';
import type { CacheAudit } from './cache-audit.js';
import type { KnownLayouts } from './known-layouts.js';
import type { PackedIndex } from './packed-index.js';
import type { DescribeOptions } from './trust.js';

export type { PackedIndex } from './packed-index.js';
export type { DescribeOptions, Trust } from './trust.js';

/** A configured build cache: whether signatures are required depends on the configuration, not on the location. */
export interface Mirror {
  readonly cache: BuildCache;
  /** Whether its metadata must be signed by a trusted key. */
  readonly requiresSignature: boolean;
}

/** The layout that a package has: 0 to 2 lie side by side, 3 apart from them. */
export type CacheLayout = 0 | 1 | 2 | 3;

/** What can be published: layout 0 is only read. */
export type PublishedLayout = Exclude<CacheLayout, 0>;

/** Signed metadata is requested from all mirrors before unsigned metadata from any. */
export type MetadataKind = 'signed' | 'unsigned';

export interface BuildCache {
  /** The configured name, else the URL or path. */
  readonly name: string;
  /** Without credentials: unique per build cache, usable in messages and as a cache key. */
  readonly url: string;
  /**
   * Describes a package as the cache has it. Reads only metadata.
   * @throws MirrorError; MetadataError, also `wrong-package`; SignatureError
   */
  describe(
    spec: Spec,
    kind: MetadataKind,
    options: DescribeOptions,
  ): Promise<PackageDescription | AbsentPackage>;
  /** Whether the cache has metadata of a package, of either kind; the metadata is not read. */
  has(spec: Spec, options?: WithSignal): Promise<boolean>;
  /** Where its package indexes are: one for each layout at the place, or for the view that was chosen. */
  readonly indexes: readonly IndexPlace[];
  /** The view that was chosen: its index names some packages of the cache, and the cache offers them all. */
  readonly view?: string | undefined;
  /** The layouts that it knows; undefined for a place with several build caches. */
  readonly layouts?: KnownLayouts | undefined;
  /** The build caches at a place that has several, the newest layout first. */
  readonly layers?: readonly BuildCache[] | undefined;
  /** Those of its layers that are there, all where none is; missing where there is but one. Errors as `has`. */
  presentLayers?(options?: WithSignal): Promise<readonly BuildCache[]>;
  /** Every package by its own metadata, without the index, in a stable order; missing where the place cannot be listed. */
  packages?(options?: ListPackagesOptions): AsyncIterable<ListedPackage>;
  /** Compressed size of a package in bytes, if the cache knows it without a request. Only a hint; never fails. */
  sizeHint?(spec: Spec): number | undefined;
  readonly keys: KeyShelf;
  /** Undefined if the cache is read-only. */
  readonly publisher?: Publisher | undefined;
  /** What lies there, thing by thing; missing where the place cannot be listed, and of a place with several layouts. */
  readonly audit?: CacheAudit | undefined;
  /** Ends open connections, so that the process can exit; the cache cannot be used afterwards. */
  close?(): Promise<void>;
}

/** There is no metadata of the kind that was asked for. */
export interface AbsentPackage {
  /** Says where the metadata was looked for: part of the error when no mirror has the package. */
  readonly absence: MirrorError;
}

export interface PackageDescription {
  /** URL or path of the metadata. */
  readonly location: string;
  readonly layout: CacheLayout;
  readonly specfile: Specfile;
  /** `pending`: the signature is inside the archive that `unwrap` opens. */
  readonly signature: 'verified' | 'not-required' | 'pending';
  readonly rules: RelocationRules;
  readonly tarball: TarballReference;
  /** The stored files of the package, the tarball first and the metadata last: for downloads and copies. */
  readonly files: readonly StoredFile[];
  /** What the package names and others bring along, too: in a registry the layers of its dependencies. A copy needs them. */
  readonly shared?: readonly StoredFile[] | undefined;
  /** Where that is a file by itself: the specfile as somebody signed it. */
  readonly signed?: SignedSpecfile | undefined;
  /**
   * Only if the actual package is inside another archive (layout 0): fetches that archive, verifies its contents, and describes the
   * package inside. Its tarball is then read from the scratch file, which must live as long.
   */
  unwrap?(options: UnwrapOptions): Promise<UnwrappedPackage>;
}

/** A clearsigned specfile, which build caches of different kinds may have as it is. */
export interface SignedSpecfile {
  readonly text: Uint8Array;
  /** As it says. */
  readonly layout: PublishedLayout;
}

export interface UnwrapOptions extends DescribeOptions {
  readonly spec: Spec;
  readonly inflater: Inflater;
  readonly scratch: ScratchFile;
  /** Called when the fetch begins, with 0 bytes, and then with the number of bytes received so far. */
  readonly onBytes?: ((bytes: number, size: number | undefined) => void) | undefined;
}

/** A private file for temporary data. */
export interface ScratchFile {
  /** Starts over and drops the previous content. */
  begin(): void;
  write(bytes: Uint8Array): void;
  /** Finishes the content started by `begin`. */
  end(): void;
  /** Reads the content, each time from the beginning. */
  open(): ReadableStream<Uint8Array>;
}

export interface UnwrappedPackage extends PackageDescription {
  /** The archive that was unwrapped; a digest given by the user refers to it. */
  readonly outer: { readonly location: string; readonly sha256: string; readonly size: number };
}

/** The compressed archive of a package. */
export interface TarballReference {
  /** URL or path, for messages. */
  readonly location: string;
  /** Compressed size in bytes, if the metadata gives it. */
  readonly size: number | undefined;
  /**
   * Expected digest of the compressed bytes. The getter throws if the metadata has no usable checksum.
   * @throws IntegrityError `checksum-missing`, `checksum-invalid`
   */
  readonly sha256: string;
  /** What names the checksum, for messages; the specfile by default. */
  readonly namedBy?: string | undefined;
  /** Whether no network lies between. */
  readonly isLocal?: boolean | undefined;
  /** Opens it, anew each time. */
  open(options?: WithSignal): Promise<OpenedObject>;
  /** Opens it from a byte on; missing where it has to be read from its beginning. */
  openFrom?(start: number, options?: WithSignal): Promise<OpenedObject>;
}

/** A file of a package as stored in the cache. */
export interface StoredFile {
  /** Path of the downloaded file: in layouts 0 to 2 relative to `build_cache`, as in Spack's downloads. */
  readonly path: string;
  /** Expected digest, if known before the file is read. Throws like `TarballReference.sha256`. */
  readonly sha256: string | undefined;
  /** In bytes, if the metadata gives it or the place tells; undefined also for one that is not there. */
  measure(options?: WithSignal): Promise<number | undefined>;
  open(options?: WithSignal): Promise<OpenedObject>;
  /** As in `TarballReference`. */
  openFrom?(start: number, options?: WithSignal): Promise<OpenedObject>;
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
  /** Expected digest, if the cache gives one; undefined if only the digest of the bytes themselves is known. */
  readonly sha256: string | undefined;
}

export interface ListPackagesOptions extends WithSignal {
  /** Only packages whose hash starts with this. */
  readonly hashPrefix?: string | undefined;
}

/** A package found by listing. A package with both kinds of metadata is listed twice. */
export interface ListedPackage {
  /** Taken from the file name: may not be a valid hash. */
  readonly hash: string;
  /** URL or path of its metadata. */
  readonly location: string;
  /**
   * Reads the spec from the metadata. The caller must check that it matches the name.
   * @throws MirrorError, MetadataError, SignatureError
   */
  read(options: DescribeOptions): Promise<Spec>;
}

/** The public keys of a cache. They are only displayed, never trusted. */
export interface KeyShelf {
  /** The keys that the key index names; none without an index. */
  list(options?: WithSignal): Promise<readonly ShelvedKey[]>;
}

export interface ShelvedKey {
  /** In the spelling of the cache. */
  readonly fingerprint: string;
  readonly location: string;
  read(options?: WithSignal): Promise<Uint8Array>;
}

/** Signs the text of metadata; the result is published. */
export type SignText = (text: Uint8Array) => Promise<Uint8Array>;

export interface Publisher {
  readonly layout: PublishedLayout;
  /** What the archive must be like, which depends on the layout. */
  readonly archive: ArchiveRules;
  /** The oldest format that nodes in its index have. */
  readonly indexFormat: IndexFormat;
  /**
   * Whether a package becomes an image, which also names the tarballs of what it needs at run time: these must be there before `finish`,
   * and `PublishedContent.image` must be given.
   */
  readonly makesImages?: boolean | undefined;
  /** Whether it takes a specfile that was signed before, of this layout, as `PublishedContent.carried`. */
  takesSigned?(layout: PublishedLayout): boolean;
  /** Where packages become images: an image with a name of its own, of packages that are there. */
  publishImage?(image: NamedImage, options?: WithSignal): Promise<PublishedImage>;
  /** Whether the package is there whole, with metadata of either kind. */
  has(spec: Spec, options?: HasOptions): Promise<boolean>;
  /** Compares a package of a cache of the same layout, or of one that can lie beside it, with what is here: what `copy` would do. */
  compare(files: readonly StoredFile[], options?: WithSignal): Promise<CopyPlan>;
  /**
   * Publishes a package with those files, byte by byte; what is here already is not written again.
   * @throws IntegrityError `checksum-mismatch`; MirrorError
   */
  copy(copy: PackageCopy, options?: WithSignal): Promise<CopyPlan>;
  /** Starts a package; it stays invisible until `finish`. */
  begin(spec: Spec, options?: BeginPackageOptions): Promise<Publication>;
  /**
   * Ends the packages that were begun with `isSettledLater`: somebody who removes things may have taken what they name. Not to be
   * interrupted, and called even if the run failed.
   * @returns the packages that are not there any more, to be published again
   */
  settle?(): Promise<readonly DagHash[]>;
  /**
   * Writes the package index in one step, or the view that was chosen.
   * @throws MirrorError `mirror-changed` for one that must be new and is there.
   */
  writeIndex(index: PackedIndex, options?: IndexWriteOptions): Promise<void>;
  readonly keys: KeyPublisher;
}

export interface NamedImage {
  readonly tag: string;
  /** The packages that it is of; what they need at run time is in it, too. */
  readonly specs: readonly [Spec, ...Spec[]];
  readonly inspect: (node: SpecNode) => PrefixInspection | undefined;
}

export interface PublishedImage {
  readonly location: string;
  readonly digest: string;
}

export interface HasOptions extends WithSignal {
  /** The kind of metadata that is looked for first, where they have names of their own: the likely one. */
  readonly isSigned?: boolean | undefined;
}

export interface PackageCopy {
  /** As in `PackageDescription`: the tarball first, the metadata last. */
  readonly files: readonly StoredFile[];
  /** Told the number of bytes of the tarball so far; its size, if known. */
  readonly onBytes?: ((bytes: number, size: number | undefined) => void) | undefined;
}

export interface CopyPlan {
  /** Whether everything is here, as it is there. */
  readonly isThere: boolean;
  /** Bytes to be written, or that were. */
  readonly moved: number;
  /** Bytes that are here already. */
  readonly there: number;
}

export interface IndexWriteOptions extends WithSignal {
  /** Only write an index that is not there; false by default. */
  readonly mustBeNew?: boolean | undefined;
}

/** The bytes of a tarball. */
export interface TarballContent {
  readonly sha256: string;
  readonly size: number;
}

export interface BeginPackageOptions extends WithSignal {
  /** What the tarball will be, where that is known: a killed run may have left it, complete. */
  readonly tarball?: TarballContent | undefined;
  /** The caller will call `settle` after the last package, which saves requests for each of them. */
  readonly isSettledLater?: boolean | undefined;
}

export interface Publication {
  /** Whether the tarball that was announced is here: then nothing is to be written before `finish`. */
  readonly hasTarball: boolean;
  /** Appends compressed bytes of the tarball. */
  write(bytes: Uint8Array): Promise<void>;
  /** Ends the tarball ahead of `finish`, if that saves time; then nothing can be written any more. */
  endTarball?(tarball: TarballContent, options?: WithSignal): Promise<void>;
  /** Makes the package visible, and removes metadata of the other kind. */
  finish(content: PublishedContent, options?: WithSignal): Promise<void>;
  /** Drops the written data; does nothing after a successful `finish`. Never throws. */
  abandon(): Promise<void>;
}

export interface PublishedContent {
  /** `.spack/spec.json` of the package, and its path for messages. */
  readonly specJson: { readonly bytes: Uint8Array; readonly path: string };
  /** Of the compressed bytes. */
  readonly sha256: string;
  readonly size: number;
  /** If undefined, the package is published unsigned. */
  readonly sign?: SignText | undefined;
  /** In place of `sign`, where the publisher takes such: the specfile of just this tarball that somebody signed before. */
  readonly carried?: SignedSpecfile | undefined;
  /** For a publisher that makes images. */
  readonly image?: ImageFacts | undefined;
}

/** What an image tells of a package. */
export interface ImageFacts {
  /** Digest of the uncompressed archive. */
  readonly tarSha256: string;
  /** What is in the prefix of the package, or of one that it needs; undefined where that is not known here. */
  inspect(node: SpecNode): PrefixInspection | undefined;
}

export interface KeyPublisher {
  /** Writes the file of a key; the index does not name it yet. */
  write(
    key: { readonly fingerprint: string; readonly armored: Uint8Array },
    options?: WithSignal,
  ): Promise<void>;
  /** All existing key files, whether the index names them or not; undefined if the location cannot be listed. */
  files?(options?: WithSignal): AsyncIterable<ShelvedKey>;
  writeIndex(fingerprints: readonly string[], options?: WithSignal): Promise<void>;
}
