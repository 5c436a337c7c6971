// The manifests of packages, signed or plain under one name, and what they say of a package (FORMATS.md §1).
import { type Manifest, parseManifest, requireRecord } from '../../buildcache/manifest/manifest.js';
import { SPACK_1_RULES } from '../../buildcache/relocation-rules.js';
import { parseSpecfile, type Specfile } from '../../buildcache/specfile/specfile.js';
import { encodeUtf8 } from '../../core/bytes.js';
import { type BuildcacheError, MetadataError, MirrorError, SignatureError } from '../../core/errors.js';
import type { WithSignal } from '../../core/with-signal.js';
import type { Spec } from '../../spec/spec.js';
import type { ObjectStore } from '../../transport/object-store.js';
import { isNotFound, readAll } from '../../transport/read-object.js';
import type {
  AbsentPackage,
  DescribeOptions,
  MetadataKind,
  PackageDescription,
  StoredFile,
  Trust,
} from '../build-cache.js';
import { checkIdentity } from '../check-identity.js';
import { storedBytes } from '../stored-bytes.js';
import { Blobs } from './blobs.js';
import { blobPath, LAYOUT_PATH, LAYOUT_TEXT, specManifestPath } from './paths.js';

/** Manifests have some kilobytes, even with a signature. */
export const LARGEST_MANIFEST = 1 << 20;
/** Specfiles of large environments have some megabytes. */
export const LARGEST_SPECFILE = 64 << 20;
/** The newest layout version that a specfile of layout 3 may have: the tar is that of layout 2. */
const NEWEST_LAYOUT = 3;
const CLEARSIGNED = new TextEncoder().encode('-----BEGIN PGP SIGNED MESSAGE-----');

/** A manifest as it lies there. */
interface StoredManifest {
  readonly path: string;
  readonly location: string;
  readonly bytes: Uint8Array;
  /** Only a file that begins with the signed block is a signed manifest. */
  readonly isSigned: boolean;
}

export class SpecManifests {
  readonly #store: ObjectStore;
  readonly #blobs: Blobs;
  /** Manifests of the other kind than was asked for: the next question is for that one. */
  readonly #otherKind = new Map<string, StoredManifest | MirrorError>();

  constructor(store: ObjectStore) {
    this.#store = store;
    this.#blobs = new Blobs(store);
  }

  /** What the manifest of a kind says, if there is one. Errors as `BuildCache.describe`. */
  async describe(
    spec: Spec,
    kind: MetadataKind,
    options: DescribeOptions,
  ): Promise<PackageDescription | AbsentPackage> {
    const path = specManifestPath(spec.root);
    // Somebody may have written it since the kept answer: only the second question of a pair is answered by it.
    if (kind === 'signed') this.#otherKind.delete(path);
    const stored = await this.#take(path, options);
    if (stored instanceof MirrorError) {
      if (kind === 'signed') this.#otherKind.set(path, stored);
      return { absence: stored };
    }
    if (stored.isSigned !== (kind === 'signed')) {
      if (kind === 'signed') this.#otherKind.set(path, stored);
      return { absence: absent(stored.location, kind) };
    }
    return this.#read(stored, spec, options);
  }

  /** The spec that the manifest at a path stands for. Errors as `ListedPackage.read`. */
  async readSpec(path: string, options: DescribeOptions): Promise<Spec> {
    return this.readSpecBlob(await this.readManifest(path, options), options);
  }

  /** The manifest at a path, its signature verified where the trust wants that. Errors as `ListedPackage.read`. */
  async readManifest(path: string, options: DescribeOptions): Promise<Manifest> {
    const stored = await this.#fetch(path, options);
    const { text } = await openText(stored, options.trust);
    return parseManifest(text, stored.location);
  }

  /** The spec of a manifest. Errors as `ListedPackage.read`. */
  async readSpecBlob(manifest: Manifest, options: WithSignal): Promise<Spec> {
    return (await this.#readSpecfile(manifest, options)).spec;
  }

  async #read(stored: StoredManifest, spec: Spec, options: DescribeOptions): Promise<PackageDescription> {
    const { location } = stored;
    const { text, isVerified } = await openText(stored, options.trust);
    const manifest = parseManifest(text, location);
    const tarball = requireRecord(manifest, 'tarball');
    const specfile = await this.#readSpecfile(manifest, options);
    checkIdentity({ specfile, spec, location, isVerified });
    return {
      location,
      layout: 3,
      specfile,
      signature: isVerified ? 'verified' : 'not-required',
      rules: SPACK_1_RULES,
      tarball: {
        location: this.#blobs.location(tarball),
        size: tarball.size,
        sha256: tarball.sha256,
        namedBy: 'its manifest',
        isLocal: this.#store.isLocal,
        open: (more = {}) => this.#blobs.open(tarball, location, more),
        openFrom: (start, more = {}) => this.#blobs.open(tarball, location, { ...more, range: { start } }),
      },
      files: [...this.#filesOf(manifest), this.#layoutFile(), storedBytes(stored)],
    };
  }

  /** The blobs, tarball first. */
  #filesOf(manifest: Manifest): StoredFile[] {
    return [requireRecord(manifest, 'tarball'), requireRecord(manifest, 'spec')].map((record) => ({
      path: blobPath(record.sha256),
      sha256: record.sha256,
      measure: async () => record.size,
      open: (options) => this.#blobs.open(record, manifest.source, options),
      openFrom: (start, options) =>
        this.#blobs.open(record, manifest.source, { ...options, range: { start } }),
    }));
  }

  /** With it a folder of downloads is a mirror itself. */
  #layoutFile(): StoredFile {
    const location = this.#store.location(LAYOUT_PATH);
    return storedBytes({ path: LAYOUT_PATH, bytes: encodeUtf8(LAYOUT_TEXT), location });
  }

  async #readSpecfile(manifest: Manifest, { signal }: WithSignal): Promise<Specfile> {
    const record = requireRecord(manifest, 'spec');
    const bytes = await this.#blobs.read(record, manifest.source, { limit: LARGEST_SPECFILE, signal });
    try {
      return parseSpecfile(bytes, this.#blobs.location(record), { newestLayout: NEWEST_LAYOUT });
    } catch (error) {
      throw error instanceof MetadataError ? namedBy(error, manifest.source) : error;
    }
  }

  async #take(path: string, options: WithSignal): Promise<StoredManifest | MirrorError> {
    const kept = this.#otherKind.get(path);
    this.#otherKind.delete(path);
    if (kept !== undefined) return kept;
    try {
      return await this.#fetch(path, options);
    } catch (error) {
      if (isNotFound(error)) return error;
      throw error;
    }
  }

  async #fetch(path: string, { signal }: WithSignal): Promise<StoredManifest> {
    const bytes = await readAll(this.#store, path, { limit: LARGEST_MANIFEST, signal });
    const isSigned = CLEARSIGNED.every((byte, i) => bytes[i] === byte);
    return { path, location: this.#store.location(path), bytes, isSigned };
  }
}

async function openText({ bytes, isSigned, location }: StoredManifest, trust: Trust) {
  if (isSigned) return trust.open(bytes, location);
  refuseStrayArmor(bytes, location);
  if (!trust.isRequired || bytes.length === 0) return { text: bytes, isVerified: false };
  throw new SignatureError('signature-missing', `Cannot use "${location}": it is not signed`, {
    hint: 'Install with "--no-check-signature", or configure the mirror with "signed: false"',
    data: { location },
  });
}

/** Parts of a signed text that do not make one: plain JSON has no such line. */
function refuseStrayArmor(bytes: Uint8Array, location: string): void {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const problem = text.includes('-----BEGIN PGP SIGNED MESSAGE-----')
    ? 'there is something before the signed block'
    : text.includes('-----BEGIN PGP SIGNATURE-----')
      ? 'it has a signature, but no signed block'
      : undefined;
  if (problem === undefined) return;
  throw new SignatureError('signature-malformed', `Cannot use "${location}": ${problem}`, {
    hint: 'A signed manifest begins with the signed block: push the package again',
    data: { location },
  });
}

/** The name of a blob tells people nothing. */
function namedBy(error: MetadataError, manifest: string): BuildcacheError {
  return error.with({
    message: `${error.message} ("${manifest}" names it as the spec)`,
    data: { ...error.data, manifest },
  });
}

function absent(location: string, kind: MetadataKind): MirrorError {
  const state = kind === 'signed' ? 'it is not signed' : 'it is signed';
  return new MirrorError('mirror-not-found', `Cannot find ${kind} metadata at "${location}": ${state}`, {
    data: { location },
  });
}
