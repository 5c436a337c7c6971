// Fetches the files of packages from mirrors into a folder, as they are, after they were verified (Spack `download_single_spec`).
import { createHash } from 'node:crypto';
import { BuildcacheError, type ErrorCode, IntegrityError } from '../../core/errors.js';
import type { OperationOptions } from '../../core/progress.js';
import type { Mirror, StoredFile } from '../../mirror/build-cache.js';
import type { PackageCatalog } from '../../mirror/index/package-catalog.js';
import { readOnly } from '../../mirror/require-publisher.js';
import type { Keyring } from '../../signature/keys/keyring.js';
import type { DagHash, Spec } from '../../spec/spec.js';
import { Stage } from '../../store/staging/stage.js';
import type { Decoders } from '../../stream/inflate/inflater.js';
import type { ObjectStore, ObjectWriter, PendingObject } from '../../transport/object-store.js';
import { forEachChunk } from '../../transport/read-object.js';
import { noUsableOffer, type PackageOffer, packageOffers } from './package-offers.js';
import { StageScratchFile } from './scratch-file.js';

export interface DownloadRequest {
  readonly specs: readonly Spec[];
  /** Configured mirrors in search order. */
  readonly mirrors: readonly Mirror[];
  readonly catalog: PackageCatalog;
  /** Where the files go, under the paths that they have in a build cache. */
  readonly destination: ObjectStore;
  readonly keyring: Keyring;
  /** False: no signature is asked for, whatever the mirror is configured to; checksums are. */
  readonly checkSignature: boolean;
  /** Decodes packages of layout 0, whose signature is inside. */
  readonly engine: Decoders;
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
 * @throws MirrorError of a destination that cannot be written
 */
export async function download(
  request: DownloadRequest,
  options: OperationOptions = {},
): Promise<DownloadReport> {
  const { url, writer } = request.destination;
  if (writer === undefined) throw readOnly(url);
  const packages: DownloadedPackage[] = [];
  for (const spec of request.specs) packages.push(await downloadPackage({ spec, request, writer, options }));
  return { destination: url, packages };
}

interface PackageDownload {
  readonly spec: Spec;
  readonly request: DownloadRequest;
  readonly writer: ObjectWriter;
  readonly options: OperationOptions;
}

async function downloadPackage(wanted: PackageDownload): Promise<DownloadedPackage> {
  const { spec, request, options } = wanted;
  const { name, version, hash } = spec.root;
  const refusals: BuildcacheError[] = [];
  const named = request.catalog.find(hash)?.mirrors ?? [];
  for await (const offer of packageOffers({ ...request, spec, named, signal: options.signal })) {
    try {
      if ('refusal' in offer) throw offer.refusal;
      const files = await takeOffer({ ...wanted, offer });
      const mirror = offer.mirror.cache.url;
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

interface Taking extends PackageDownload {
  readonly offer: PackageOffer;
}

/** The tarball comes first, the metadata last: it says that the others are there. */
async function takeOffer(taking: Taking): Promise<{ files: string[]; bytes: number }> {
  const files = await verifiedFiles(taking);
  const sizes: number[] = [];
  for (const file of files) sizes.push(await takeFile({ ...taking, file, isTarball: sizes.length === 0 }));
  return { files: files.map(({ path }) => path), bytes: sizes[0] ?? 0 };
}

interface FileTaking extends Taking {
  readonly file: StoredFile;
  readonly isTarball: boolean;
}

async function takeFile(taking: FileTaking): Promise<number> {
  const { file, writer, options } = taking;
  const { path, sha256 } = file;
  const target = await writer.begin({ path, signal: options.signal });
  try {
    const bytes = await fetchFile(taking, target, sha256);
    await target.prepare();
    await target.commit(path);
    return bytes;
  } finally {
    await target.discard();
  }
}

async function fetchFile(
  { file, spec, options, isTarball }: FileTaking,
  target: PendingObject,
  expected: string | undefined,
): Promise<number> {
  const { signal } = options;
  const onProgress = isTarball ? options.onProgress : undefined;
  const { name, hash } = spec.root;
  const object = await file.open({ signal });
  onProgress?.({ type: 'package-started', package: name, hash, size: object.size });
  const digest = createHash('sha256');
  let bytes = 0;
  await forEachChunk(object, { limit: NO_LIMIT, signal }, async (chunk) => {
    digest.update(chunk);
    bytes += chunk.length;
    await target.write(chunk);
    onProgress?.({ type: 'package-progress', package: name, hash, bytes, size: object.size, files: 0 });
  });
  requireDigest({ location: object.location, expected, actual: digest.digest('hex') });
  return bytes;
}

/** What is inside of an archive is verified first; the digest that this brings says that the next fetch gives the same. */
async function verifiedFiles({ spec, offer, request, options }: Taking): Promise<readonly StoredFile[]> {
  const { description, trust } = offer;
  if (description.unwrap === undefined) return description.files;
  const { signal } = options;
  const stage = Stage.create(request.temporaryFolder, spec.root.hash);
  try {
    const inflater = request.engine.createInflater();
    const scratch = new StageScratchFile(stage);
    const { tarball, files } = await description.unwrap({ spec, trust, inflater, scratch, signal });
    const { body, location } = await tarball.open({ signal });
    const expected = tarball.sha256;
    const digest = createHash('sha256');
    for await (const chunk of body) digest.update(chunk);
    requireDigest({ location, expected, actual: digest.digest('hex') });
    return files;
  } finally {
    stage.remove();
  }
}

interface Digests {
  readonly location: string;
  /** Undefined: any will do. */
  readonly expected: string | undefined;
  readonly actual: string;
}

function requireDigest({ location, expected, actual }: Digests): void {
  if (expected === undefined || actual === expected) return;
  throw new IntegrityError(
    'checksum-mismatch',
    `Cannot use "${location}": its sha256 is ${actual}, not ${expected}`,
    {
      hint: 'The file is damaged or was replaced: push it again',
      data: { location, expected, actual },
    },
  );
}
