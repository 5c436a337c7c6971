// Describes a package by its specfile, which is read and verified (Spack `download_tarball`).
import { rulesOfLayout } from '../../buildcache/relocation-rules.js';
import { parseSpecfile } from '../../buildcache/specfile/specfile.js';
import type { Spec } from '../../spec/spec.js';
import type { ObjectStore } from '../../transport/object-store.js';
import { isNotFound, readAll } from '../../transport/read-object.js';
import type {
  AbsentPackage,
  DescribeOptions,
  MetadataKind,
  PackageDescription,
  SignedSpecfile,
  Trust,
} from '../build-cache.js';
import { checkIdentity } from '../check-identity.js';
import { storedBytes } from '../stored-bytes.js';
import { LARGEST_SPECFILE, specfilePath, tarballPath, withoutRoot } from './paths.js';
import { StoredTarball } from './stored-tarball.js';
import { wrappedPackage } from './wrapped-package.js';

export interface DescribeRequest extends DescribeOptions {
  readonly store: ObjectStore;
  readonly spec: Spec;
  readonly kind: MetadataKind;
}

/** Reads the specfile of the requested kind, if there is one. Errors as `BuildCache.describe`. */
export async function describeClassic(request: DescribeRequest): Promise<PackageDescription | AbsentPackage> {
  const { store, spec, kind, trust } = request;
  const path = specfilePath(spec.root, { signed: kind === 'signed', spec });
  const location = store.location(path);
  const bytes = await readSpecfile(path, request);
  if (!(bytes instanceof Uint8Array)) return bytes;
  const { text, signature } = await readText({ kind, bytes, location, trust });
  const specfile = parseSpecfile(text, location);
  checkIdentity({ specfile, spec, location, isVerified: signature === 'verified' });
  const metadata = storedBytes({ path: withoutRoot(path), bytes, location });
  const facts = { location, specfile, signature, rules: rulesOfLayout(specfile.layoutVersion) };
  const tarball = tarballPath(spec.root, spec);
  if (specfile.layoutVersion === 0) return wrappedPackage({ store, path: tarball, metadata, facts });
  // Only layout 0 may keep the signature elsewhere.
  if (signature === 'pending') await trust.openDetached(text, undefined, location);
  const stored = new StoredTarball({ store, path: tarball, specfile });
  const layout = specfile.layoutVersion === 2 ? 2 : 1; // nothing newer is parsed
  const signed: SignedSpecfile | undefined = kind === 'signed' ? { text: bytes, layout } : undefined;
  return { ...facts, layout, tarball: stored, files: [stored, metadata], signed };
}

async function readSpecfile(
  path: string,
  { store, signal }: DescribeRequest,
): Promise<Uint8Array | AbsentPackage> {
  try {
    return await readAll(store, path, { limit: LARGEST_SPECFILE, signal });
  } catch (error) {
    if (isNotFound(error)) return { absence: error };
    throw error;
  }
}

interface SpecfileText {
  readonly kind: MetadataKind;
  readonly bytes: Uint8Array;
  readonly location: string;
  readonly trust: Trust;
}

interface OpenedText {
  readonly text: Uint8Array;
  readonly signature: PackageDescription['signature'];
}

async function readText({ kind, bytes, location, trust }: SpecfileText): Promise<OpenedText> {
  if (kind === 'unsigned') return { text: bytes, signature: trust.isRequired ? 'pending' : 'not-required' };
  const { text, isVerified } = await trust.open(bytes, location);
  return { text, signature: isVerified ? 'verified' : 'not-required' };
}
