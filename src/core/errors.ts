// The errors of the toolkit: one base with a stable code, children by what the reader can do about it.
// Message: the action that failed, then the state; values in double quotes; no final period.

/** What the caller asked for makes no sense, or what it names is not there. */
export type UsageErrorCode =
  | 'usage' // a flag or an argument is wrong
  | 'no-mirror' // an operation that needs a mirror was given none
  | 'unknown-mirror' // a mirror name that no configuration defines
  | 'view-not-found' // an index view that the mirror has not
  | 'spec-not-found' // neither the index nor the mirrors know the spec
  | 'spec-ambiguous' // several packages match: data.candidates lists them
  | 'spec-syntax' // a spec or a constraint cannot be parsed
  | 'projection' // a projection cannot be expanded, or leaves the root
  | 'padding' // the padded length cannot be reached
  | 'config' // a configuration file cannot be used
  | 'not-installed' // packages that are to be pushed: data.packages lists them
  | 'not-relocatable-platform'; // the package is for another platform

/** Where bytes come from failed. */
export type MirrorErrorCode =
  | 'mirror-not-found' // the mirror answers, the object is not there
  | 'mirror-unreachable' // no connection, or none within the time
  | 'mirror-http-status' // an answer that is neither success nor "not found"
  | 'mirror-redirect-loop'
  | 'mirror-protocol' // a scheme that is not supported
  | 'mirror-read-only'
  | 'mirror-full' // no space is left where the mirror is
  | 'mirror-write-failed'
  | 'mirror-truncated' // the body ended early
  | 'mirror-changed' // the object, or that there is none, is not what the request depends on
  | 'mirror-range' // a part that lies beyond the object's end, or another part than was asked for
  | 'blob-missing' // a manifest names content that the mirror has not
  | 'mirror-not-a-buildcache' // for example an HTML page in place of JSON
  | 'index-not-cached'; // offline, and no index was cached before

/** Bytes are not what their checksum or framing says. */
export type IntegrityErrorCode =
  | 'checksum-mismatch'
  | 'checksum-missing'
  | 'checksum-invalid'
  | 'size-mismatch'
  | 'gzip-header'
  | 'gzip-truncated'
  | 'gzip-crc'
  | 'gzip-length'
  | 'deflate-invalid'
  | 'bzip2-invalid'
  | 'bzip2-truncated';

/** Nobody, or nobody that is trusted, vouches for the bytes. */
export type SignatureErrorCode =
  | 'signature-invalid'
  | 'signature-unknown-key'
  | 'signature-missing'
  | 'signature-malformed' // text outside the block, a second block, no armor
  | 'signature-wrong-spec' // a good signature, but on another package
  | 'key-unreadable'
  | 'key-missing' // nothing to sign with, or no key of this name
  | 'key-ambiguous' // several keys, and none chosen: data.keys lists them
  | 'key-unusable' // a key that cannot sign, or whose signatures GnuPG 2.2 cannot verify
  | 'key-locked' // the passphrase is missing or wrong
  | 'key-mismatch' // a key has another fingerprint than its name says
  | 'text-not-signable' // a text that GnuPG would not give back as it is
  | 'gpg-failed';

/** A tar archive is malformed, or wants to write where it must not. */
export type ArchiveErrorCode =
  | 'tar-header'
  | 'tar-truncated'
  | 'tar-pax'
  | 'tar-too-large'
  | 'tar-unsafe-path'
  | 'tar-outside-prefix'
  | 'tar-unsafe-link'
  | 'tar-through-symlink'
  | 'tar-type-change'
  | 'tar-unsupported-type'
  | 'tar-no-prefix'
  | 'archive-layout'; // a .spack file without the members it must have

/** A metadata file (specfile, buildinfo, index, lockfile, database) cannot be used. */
export type MetadataErrorCode =
  | 'metadata-syntax'
  | 'metadata-invalid'
  | 'metadata-compressed'
  | 'metadata-too-large'
  | 'manifest-version-unsupported'
  | 'manifest-record-missing' // a manifest without the content that it must name
  | 'compression-unsupported'
  | 'layout-unsupported'
  | 'specfile-version-unsupported'
  | 'index-version-unsupported'
  | 'buildinfo-missing'
  | 'buildinfo-invalid'
  | 'wrong-package'; // the metadata describes another hash than the one asked for

/** A path cannot be moved to its new place. */
export type RelocationErrorCode =
  | 'cannot-grow-string'
  | 'cannot-shrink-string'
  | 'cannot-grow-rpath'
  | 'macho-unsupported' // 32 bit or big-endian
  | 'macho-no-room' // the padding behind the load commands does not suffice
  | 'macho-signed' // by a real identity, which a change would break
  | 'macho-signature' // the code signature is malformed
  | 'old-layout'
  | 'listed-file-missing'
  | 'text-too-large'
  | 'sbang-path-too-long'
  | 'engine-unavailable'
  | 'engine-failed';

/** The store cannot be read or written. */
export type StoreErrorCode =
  | 'root-unusable'
  | 'alias-root-unusable' // it is no short symbolic link to the root, and cannot become one
  | 'database-unreadable'
  | 'database-version'
  | 'database-locked'
  | 'locks-unavailable'
  | 'prefix-exists'
  | 'prefix-conflict'
  | 'prefix-changed' // somebody else changed an installed package while it was read
  | 'store-io'
  | 'disk-full'
  | 'dependency-failed';

export type ErrorCode =
  | UsageErrorCode
  | MirrorErrorCode
  | IntegrityErrorCode
  | SignatureErrorCode
  | ArchiveErrorCode
  | MetadataErrorCode
  | RelocationErrorCode
  | StoreErrorCode;

export interface ErrorDetails {
  /** What the reader can do about it. */
  readonly hint?: string;
  readonly cause?: unknown;
  /** True when the same request may work a moment later. */
  readonly retryable?: boolean;
  /** The facts: path, offset, expected, actual, … */
  readonly data?: Readonly<Record<string, unknown>>;
}

/** What `with` changes. */
export interface ErrorChanges extends ErrorDetails {
  readonly message?: string;
}

/** Base of every error that input from outside can cause. */
export class BuildcacheError<Code extends ErrorCode = ErrorCode> extends Error {
  readonly code: Code;
  readonly hint: string | undefined;
  readonly retryable: boolean;
  readonly data: Readonly<Record<string, unknown>>;

  constructor(code: Code, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = new.target.name;
    this.code = code;
    this.hint = details.hint;
    this.retryable = details.retryable ?? false;
    this.data = details.data ?? {};
  }

  /** The same error, of the same class and code, with other words or facts. */
  with({ message, ...changes }: ErrorChanges): BuildcacheError<Code> {
    const Kind = this.constructor as typeof BuildcacheError<Code>;
    const { hint, cause, retryable, data } = this;
    const details = { ...(hint === undefined ? {} : { hint }), cause, retryable, data, ...changes };
    return new Kind(this.code, message ?? this.message, details);
  }
}

export class UsageError extends BuildcacheError<UsageErrorCode> {}
export class MirrorError extends BuildcacheError<MirrorErrorCode> {}
export class IntegrityError extends BuildcacheError<IntegrityErrorCode> {}
export class SignatureError extends BuildcacheError<SignatureErrorCode> {}
export class ArchiveError extends BuildcacheError<ArchiveErrorCode> {}
export class MetadataError extends BuildcacheError<MetadataErrorCode> {}
export class RelocationError extends BuildcacheError<RelocationErrorCode> {}
export class StoreError extends BuildcacheError<StoreErrorCode> {}
