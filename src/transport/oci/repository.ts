// One repository of a registry (OCI distribution specification 1.1): blobs by digest, manifests by tag or digest. Nothing here knows what
// they are for. Digests are written with their algorithm, as in "sha256:…"; no other algorithm is known.
import type { WithSignal } from '../../core/with-signal.js';
import type { OpenedObject } from '../object-store.js';

/** What names content: where it is named, its size and digest are known before it is read. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  /** In bytes. */
  readonly size: number;
  readonly artifactType?: string | undefined;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
}

export interface StoredManifest {
  readonly bytes: Uint8Array;
  /** Of the bytes: checked where it was asked for by digest, or where the registry says one. */
  readonly digest: string;
  readonly mediaType: string;
  /** URL, for messages. */
  readonly location: string;
}

export interface NewManifest {
  readonly bytes: Uint8Array;
  readonly mediaType: string;
}

export interface PutManifest {
  readonly digest: string;
  /** Whether the registry lists it with the referrers of its subject; if not, the fallback tag is for the client to write. */
  readonly isReferrer: boolean;
}

export interface OpenBlobOptions extends WithSignal {
  /** Where to begin. */
  readonly start?: number | undefined;
}

export interface Repository {
  /** `oci://host/name` or `oci+http://host/name`, without credentials: unique per repository, usable in messages and as a cache key. */
  readonly url: string;
  readonly blobs: RepositoryBlobs;
  readonly manifests: RepositoryManifests;
  /** URL of a tag (`…:tag`) or of a digest (`…@sha256:…`), for messages. */
  location(reference: string): string;
  /** All tags, in the order of the registry, page by page. A repository that is not there has none. Errors as `manifests.get`. */
  tags(options?: WithSignal): AsyncIterable<string>;
  /**
   * What refers to a manifest: by the API of referrers, or by the fallback tag where the registry has none.
   * @param artifactType - only those of this type.
   */
  referrers(digest: string, artifactType: string, options?: WithSignal): Promise<readonly Descriptor[]>;
  /** Ends open connections; the repository cannot be used afterwards. */
  close(): Promise<void>;
}

export interface RepositoryBlobs {
  /**
   * Opens a blob; whoever reads it checks the digest. A body that breaks off goes on where it was.
   * @throws MirrorError `mirror-not-found` and the other `mirror-…` codes
   */
  open(digest: string, options?: OpenBlobOptions): Promise<OpenedObject>;
  /** Its size in bytes where the registry says one; undefined where it is not there. */
  stat(digest: string, options?: WithSignal): Promise<{ readonly size: number | undefined } | undefined>;
  /** Begins a blob whose digest is not known yet. Errors as `PendingBlob.commit`. */
  begin(options?: WithSignal): Promise<PendingBlob>;
  /** Takes over a blob of another repository of the same registry. @returns whether it is here now; if not, nothing happened. */
  mount(digest: string, from: string, options?: WithSignal): Promise<boolean>;
  /**
   * Removes a blob; does nothing where there is none.
   * @throws MirrorError `mirror-no-delete` where the registry does not allow it
   */
  remove(digest: string, options?: WithSignal): Promise<void>;
}

/** A blob being written: in pieces of bounded size, each of which may be sent again. */
export interface PendingBlob {
  /** Appends bytes; the caller may reuse their memory afterwards. Errors as `commit`. */
  write(bytes: Uint8Array): Promise<void>;
  /**
   * Ends it; what is there already is not sent again, as far as it was not sent yet.
   * @throws IntegrityError `checksum-mismatch` where the registry finds another digest; MirrorError `mirror-read-only` where writing is
   * not allowed, `mirror-login-failed`, `mirror-write-failed`, and the other `mirror-…` codes
   */
  commit(digest: string, options?: WithSignal): Promise<void>;
  /** Gives up what was sent; does nothing after a `commit`. Never throws. */
  discard(): Promise<void>;
}

export interface RepositoryManifests {
  /**
   * A manifest or an index by tag or digest, of the types that OCI and Docker have; undefined where there is none.
   * @throws MetadataError `metadata-too-large`; IntegrityError `checksum-mismatch`; MirrorError
   */
  get(reference: string, options?: WithSignal): Promise<StoredManifest | undefined>;
  /** The digest of a manifest, without reading it if the registry says it; undefined where there is none. */
  resolve(reference: string, options?: WithSignal): Promise<Pick<Descriptor, 'digest'> | undefined>;
  /**
   * Writes a manifest by tag or digest, replacing what the tag named. One with a subject gets into the list of its referrers, by the
   * fallback tag where the registry does not do it itself.
   * @throws MirrorError `blob-missing` where the registry misses what it names; as `PendingBlob.commit`
   */
  put(reference: string, manifest: NewManifest, options?: WithSignal): Promise<PutManifest>;
  /**
   * Removes a tag, or a manifest by digest with all its tags; does nothing where there is none.
   * @throws MirrorError `mirror-no-delete` where the registry does not allow it
   */
  remove(reference: string, options?: WithSignal): Promise<void>;
}
