// Fetches the files of packages from mirrors into a folder, as they are, after they were verified (Spack `download_single_spec`).
import { createHash } from 'node:crypto';
import { SPECFILES_ROOT, tarballPath } from '../buildcache/layout.js';
import { requireChecksum } from '../buildcache/specfile/specfile.js';
import { BuildcacheError, type ErrorCode, IntegrityError } from '../core/errors.js';
import type { OperationOptions } from '../core/progress.js';
import { forEachChunk, type Mirror } from '../mirror/mirror.js';
import type { PackageCatalog } from '../mirror/package-catalog.js';
import { type ObjectWriter, type WritableMirror, writeObject } from '../mirror/writable-mirror.js';
import type { RelocationEngine } from '../relocation/engine.js';
import type { Keyring } from '../signature/keys/keyring.js';
import type { DagHash, Spec } from '../spec/spec.js';
import { Stage } from '../store/staging/stage.js';
import { openOuterArchive } from './layout0.js';
import { noUsableOffer, type PackageOffer, packageOffers } from './package-offers.js';

export interface DownloadRequest {
  readonly specs: readonly Spec[];
  /** Configured mirrors in search order. */
  readonly mirrors: readonly Mirror[];
  readonly catalog: PackageCatalog;
  /** Where the files go, with the paths that they have below `build_cache`. */
  readonly destination: WritableMirror;
  readonly keyring: Keyring;
  /** False: no signature is asked for, whatever the mirror is configured to; checksums are. */
  readonly checkSignature: boolean;
  /** Decodes packages of layout 0, whose signature is inside. */
  readonly engine: RelocationEngine;
  /** For packages of layout 0 while they are verified. */
  readonly temporaryFolder: string;
}

export interface DownloadedPackage {
  readonly name: string;
  readonly version: string;
  readonly hash: DagHash;
  readonly outcome: 'downloaded' | 'failed';
  /** The mirror that had it. */
  readonly mirror: string | undefined;
  /** Paths below the destination. */
  readonly files: readonly string[];
  /** Of the tarball. */
  readonly bytes: number;
  readonly error: BuildcacheError | undefined;
}

export interface DownloadReport {
  readonly destination: string;
  readonly packages: readonly DownloadedPackage[];
}

/** A full disk does not get better with the next mirror. */
const DESTINATION_FAILURES: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'mirror-full',
  'mirror-read-only',
  'mirror-write-failed',
]);
/** Tarballs are only limited by the disk. */
const NO_LIMIT = Number.MAX_SAFE_INTEGER;

/**
 * Downloads packages, each with its tarball and its metadata, signed metadata first. A mirror that lacks a file, or has a bad one, is
 * followed by the next. A file that is not complete and verified never gets its name. Failures are in the report.
 */
export async function download(
  request: DownloadRequest,
  options: OperationOptions = {},
): Promise<DownloadReport> {
  const packages: DownloadedPackage[] = [];
  for (const spec of request.specs) packages.push(await downloadPackage(spec, request, options));
  return { destination: request.destination.url, packages };
}

async function downloadPackage(
  spec: Spec,
  request: DownloadRequest,
  options: OperationOptions,
): Promise<DownloadedPackage> {
  const { name, version, hash } = spec.root;
  const refusals: BuildcacheError[] = [];
  const named = request.catalog.find(hash)?.mirrors ?? [];
  for await (const offer of packageOffers({ ...request, spec, named, signal: options.signal })) {
    try {
      if ('refusal' in offer) throw offer.refusal;
      const files = await takeOffer({ spec, offer, request, options });
      const mirror = offer.mirror.url;
      return { name, version, hash, outcome: 'downloaded', mirror, ...files, error: undefined };
    } catch (error) {
      options.signal?.throwIfAborted();
      if (!(error instanceof BuildcacheError)) throw error;
      if (DESTINATION_FAILURES.has(error.code)) throw error;
      refusals.push(error);
    }
  }
  const error = noUsableOffer(spec, request.mirrors, refusals);
  return { name, version, hash, outcome: 'failed', mirror: undefined, files: [], bytes: 0, error };
}

interface Taking {
  readonly spec: Spec;
  readonly offer: PackageOffer;
  readonly request: DownloadRequest;
  readonly options: OperationOptions;
}

/** The tarball comes first: metadata says that it is there. */
async function takeOffer(taking: Taking): Promise<{ files: string[]; bytes: number }> {
  const { spec, offer, request, options } = taking;
  const expected = await expectedDigest(taking);
  const tarball = tarballPath(spec.root, spec);
  const target = belowRoot(tarball);
  const writer = await request.destination.create(target, { signal: options.signal });
  try {
    const bytes = await fetchTarball({ ...taking, writer, path: tarball, expected });
    await writer.prepare();
    await writer.commit();
    const metadata = belowRoot(offer.metadata.path);
    await writeObject(request.destination, metadata, offer.metadata.bytes, { signal: options.signal });
    return { files: [target, metadata], bytes };
  } finally {
    await writer.discard();
  }
}

interface Fetching extends Taking {
  readonly writer: ObjectWriter;
  readonly path: string;
  readonly expected: string;
}

async function fetchTarball({ offer, spec, options, writer, path, expected }: Fetching): Promise<number> {
  const { signal, onProgress } = options;
  const { name, hash } = spec.root;
  const object = await offer.mirror.get(path, { signal });
  onProgress?.({ type: 'package-started', package: name, hash, size: object.size });
  const digest = createHash('sha256');
  let bytes = 0;
  await forEachChunk(object, { limit: NO_LIMIT, signal }, async (chunk) => {
    digest.update(chunk);
    bytes += chunk.length;
    await writer.write(chunk);
    onProgress?.({ type: 'package-progress', package: name, hash, bytes, size: object.size, files: 0 });
  });
  const actual = digest.digest('hex');
  if (actual === expected) return bytes;
  throw mismatch(object.location, expected, actual);
}

async function expectedDigest(taking: Taking): Promise<string> {
  const { specfile } = taking.offer;
  return specfile.layoutVersion === 0 ? digestOfOuterArchive(taking) : requireChecksum(specfile);
}

/** In layout 0 checksum and signature count for what is inside; the digest says that the next fetch brings the same. */
async function digestOfOuterArchive({ spec, offer, request, options }: Taking): Promise<string> {
  const { mirror, signature } = offer;
  const { keyring, engine, temporaryFolder } = request;
  const stage = Stage.create(temporaryFolder, spec.root.hash);
  try {
    const { body, location } = await mirror.get(tarballPath(spec.root, spec), { signal: options.signal });
    const inner = await openOuterArchive({
      body,
      location,
      spec,
      stage,
      keyring,
      mustVerify: signature === 'pending',
      inflater: engine.createInflater(),
      signal: options.signal,
    });
    await requireDigest(inner.open(), requireChecksum(inner.specfile), inner.location);
    return inner.outerDigest;
  } finally {
    stage.remove();
  }
}

async function requireDigest(
  body: AsyncIterable<Uint8Array>,
  expected: string,
  location: string,
): Promise<void> {
  const digest = createHash('sha256');
  for await (const chunk of body) digest.update(chunk);
  const actual = digest.digest('hex');
  if (actual !== expected) throw mismatch(location, expected, actual);
}

function mismatch(location: string, expected: string, actual: string): IntegrityError {
  return new IntegrityError(
    'checksum-mismatch',
    `Cannot use "${location}": its sha256 is ${actual}, not ${expected}`,
    {
      hint: 'The file is damaged or was replaced: push it again',
      data: { location, expected, actual },
    },
  );
}

function belowRoot(path: string): string {
  return path.slice(SPECFILES_ROOT.length + 1);
}
