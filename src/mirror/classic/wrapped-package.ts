// A package of layout 0: its archive contains a specfile, its signature, and the actual tarball.
import { type RelocationRules, rulesOfLayout } from '../../buildcache/relocation-rules.js';
import { parseSpecfile, requireChecksum, type Specfile } from '../../buildcache/specfile/specfile.js';
import type { WithSignal } from '../../core/with-signal.js';
import type { ObjectStore } from '../../transport/object-store.js';
import type {
  PackageDescription,
  ScratchFile,
  StoredFile,
  TarballReference,
  UnwrapOptions,
  UnwrappedPackage,
} from '../build-cache.js';
import { checkIdentity } from '../check-identity.js';
import { readOuterArchive } from './outer-archive.js';
import { packageName, withoutRoot } from './paths.js';

export interface WrappedPackageParts {
  readonly store: ObjectStore;
  /** Path of the archive. */
  readonly path: string;
  readonly metadata: StoredFile;
  /** From the specfile beside the archive. */
  readonly facts: {
    readonly location: string;
    readonly specfile: Specfile;
    readonly signature: PackageDescription['signature'];
    readonly rules: RelocationRules;
  };
}

/** Describes a package by the specfile beside its archive. */
export function wrappedPackage(parts: WrappedPackageParts): PackageDescription {
  const { store, path, metadata, facts } = parts;
  const open = ({ signal }: WithSignal = {}) => store.open(path, { signal });
  const openFrom = (start: number, { signal }: WithSignal = {}) =>
    store.open(path, { range: { start }, signal });
  const measure = async (options?: WithSignal) => (await store.stat(path, options))?.size;
  const archive = { path: withoutRoot(path), sha256: undefined, measure, open, openFrom };
  const tarball: TarballReference = {
    location: store.location(path),
    size: undefined,
    get sha256(): string {
      throw new TypeError('The digest of a wrapped package is unknown until it is unwrapped');
    },
    open,
  };
  const unwrap = (options: UnwrapOptions) => unwrapPackage(parts, archive, options);
  return { ...facts, layout: 0, tarball, files: [archive, metadata], unwrap };
}

/** Errors as `PackageDescription.unwrap`: ArchiveError `archive-layout` and those of archives, SignatureError, MetadataError. */
async function unwrapPackage(
  { metadata, facts }: WrappedPackageParts,
  archive: StoredFile,
  options: UnwrapOptions,
): Promise<UnwrappedPackage> {
  const { spec, scratch, trust, signal } = options;
  const object = await archive.open({ signal });
  const { parts, outer } = await readOuterArchive({
    ...options,
    object,
    name: packageName(spec.root, spec),
  });
  const location = `${outer.location} (${parts.specfile.name})`;
  // If the specfile beside the archive is signed, no second signature is needed.
  const mustVerify = facts.signature === 'pending';
  if (mustVerify) await trust.openDetached(parts.specfile.bytes, parts.signature, location);
  const specfile = parseSpecfile(parts.specfile.bytes, location);
  checkIdentity({ specfile, spec, location, isVerified: mustVerify });
  return {
    location,
    layout: 0,
    specfile,
    signature: mustVerify ? 'verified' : 'not-required',
    rules: rulesOfLayout(specfile.layoutVersion),
    tarball: innerTarball({ location: `${outer.location} (${parts.tarball})`, specfile, scratch }),
    files: [{ ...archive, sha256: outer.sha256 }, metadata],
    outer,
  };
}

interface InnerTarball {
  readonly location: string;
  readonly specfile: Specfile;
  readonly scratch: ScratchFile;
}

function innerTarball({ location, specfile, scratch }: InnerTarball): TarballReference {
  return {
    location,
    size: undefined,
    get sha256(): string {
      return requireChecksum(specfile);
    },
    open: async () => ({ body: scratch.open(), size: undefined, tag: undefined, location }),
  };
}
