// The errors of the toolkit: one base with a stable code, children by what the reader can do about it.
// Message: the action that failed, then the state; values in double quotes; no final period.

/** The request makes no sense, or names something that does not exist. */
export type UsageErrorCode =
  | 'usage' // a flag or an argument is wrong
  | 'no-mirror' // an operation that needs a mirror was given none
  | 'unknown-mirror' // a mirror name that no configuration defines
  | 'mirror-name' // the name of a mirror is taken, or cannot be one
  | 'mirrors-overlap' // one mirror is to be copied to another that is the same, or inside of it
  | 'view-not-found' // an index view that the mirror has not
  | 'view-exists' // an index view that is to be made, and is there
  | 'spec-not-found' // neither the index nor the mirrors know the spec
  | 'spec-ambiguous' // several packages match: data.candidates lists them
  | 'spec-syntax' // a spec or a constraint cannot be parsed
  | 'projection' // a projection cannot be expanded, or leaves the root
  | 'padding' // the padded length cannot be reached
  | 'config' // a configuration file cannot be used
  | 'not-installed' // packages to push are not installed: data.packages lists them
  | 'not-relocatable-platform'; // the package is for another platform

/** The source of the bytes failed. */
export type MirrorErrorCode =
  | 'mirror-not-found' // the mirror answers, but does not have the object
  | 'mirror-unreachable' // no connection, or a timeout
  | 'mirror-too-slow' // it sends less than the lowest rate
  | 'mirror-timeout' // one object took longer than it may
  | 'mirror-left-alone' // it failed too often in a row in this run
  | 'mirror-http-status' // an answer that is neither success nor "not found"
  | 'mirror-redirect-loop'
  | 'mirror-protocol' // a scheme that is not supported
  | 'mirror-read-only'
  | 'mirror-login-failed' // it wants another login, or none that allows the request
  | 'mirror-no-delete' // it does not allow to remove what is there
  | 'mirror-full' // no space left on the mirror
  | 'mirror-write-failed'
  | 'mirror-truncated' // the body ended early
  | 'mirror-length' // the server announces another length than the object has
  | 'mirror-encoding' // the body is encoded in a way that cannot be undone
  | 'mirror-changed' // the object's state, or its absence, is not the one the request depends on
  | 'mirror-unconditional' // the place writes, but knows no conditions for it
  | 'mirror-range' // the range lies past the end of the object, or the mirror sent a different one
  | 'dependency-missing' // an image needs a package that the registry does not have
  | 'blob-missing' // a manifest names content that the mirror does not have
  | 'mirror-not-a-buildcache' // for example an HTML page in place of JSON
  | 'index-not-cached'; // offline, and no index is cached

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

/** The bytes are not signed by a trusted key, or cannot be signed. */
export type SignatureErrorCode =
  | 'signature-invalid'
  | 'signature-unknown-key'
  | 'signature-missing'
  | 'signature-malformed' // text outside the block, a second block, no armor
  | 'signature-wrong-spec' // a good signature, but of another package
  | 'key-unreadable'
  | 'key-missing' // nothing to sign with, or no key of this name
  | 'key-ambiguous' // several keys, and none chosen: data.keys lists them
  | 'key-unusable' // a key that cannot sign, or whose signatures GnuPG 2.2 cannot verify
  | 'key-locked' // the passphrase is missing or wrong
  | 'key-mismatch' // the fingerprint of a key is not the one its name says
  | 'text-not-signable' // a text that GnuPG would not return unchanged
  | 'gpg-failed';

/** A tar archive is malformed, or would write where it must not. */
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
  | 'wrong-package'; // the metadata describes a different hash from the one requested

/** A path cannot be moved to its new place. */
export type RelocationErrorCode =
  | 'cannot-grow-string'
  | 'cannot-shrink-string'
  | 'cannot-grow-rpath'
  | 'macho-unsupported' // 32 bit or big-endian
  | 'macho-no-room' // the padding after the load commands is too small
  | 'macho-signed' // signed by an identity; a change would break the signature
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
  | 'alias-root-unusable' // not a short symbolic link to the root, and none can be made there
  | 'database-unreadable'
  | 'database-version'
  | 'database-locked'
  | 'locks-unavailable'
  | 'prefix-exists'
  | 'prefix-conflict'
  | 'prefix-changed' // an installed package was changed while it was read
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
  /** True when the same request may succeed later. */
  readonly retryable?: boolean;
  /** The facts: path, offset, expected, actual, … */
  readonly data?: Readonly<Record<string, unknown>>;
}

/** What `with` changes. */
export interface ErrorChanges extends ErrorDetails {
  readonly message?: string;
}

/** Base of all errors that external input can cause. */
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

  /** A copy of the error, with the same class and code, but another message or other details. */
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
