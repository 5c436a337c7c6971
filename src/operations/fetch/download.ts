// Fetches the files of packages from mirrors into a folder, verified and unchanged (Spack `download_single_spec`).
import { BuildcacheError, type ErrorCode, IntegrityError } from '../../core/errors.js';
import type { OperationOptions } from '../../core/progress.js';
import type { Mirror } from '../../mirror/build-cache.js';
import type { PackageCatalog } from '../../mirror/index/package-catalog.js';
import { readOnly } from '../../mirror/require-publisher.js';
import type { Keyring } from '../../signature/keys/keyring.js';
import type { DagHash, Spec } from '../../spec/spec.js';
import type { Decoders } from '../../stream/inflate/inflater.js';
import type { ObjectStore, ObjectWriter } from '../../transport/object-store.js';
import { isRetryable } from '../../transport/read-object.js';
import { buildOffers, noUsableBuildOffer } from './build-offers.js';
import { isDestinationFailure } from './destination-failure.js';
import { type FileTaking, FileTransfer } from './file-transfer.js';
import type { HedgeOptions } from './hedged-tarball.js';
import type { PackageOffer } from './package-offers.js';
import { verifiedFiles } from './verified-files.js';

export interface DownloadRequest {
  readonly specs: readonly Spec[];
  /** Configured mirrors in search order. */
  readonly mirrors: readonly Mirror[];
  readonly catalog: PackageCatalog;
  /** Target folder; the files keep their paths in the build cache. */
  readonly destination: ObjectStore;
  readonly keyring: Keyring;
  /** If false, no signature is required, whatever the mirror's configuration; checksums still are. */
  readonly checkSignature: boolean;
  /** Decodes packages of layout 0, whose signature is inside. */
  readonly engine: Decoders;
  /** Holds packages of layout 0 while they are verified. */
  readonly temporaryFolder: string;
  /** When another mirror that has the same tarball takes over. */
  readonly hedge?: HedgeOptions | undefined;
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
  /** Digest of the tarball. */
  readonly bytes: number;
  readonly error: BuildcacheError | undefined;
}

export interface DownloadReport {
  readonly destination: string;
  readonly packages: readonly DownloadedPackage[];
}

/**
 * Downloads packages, each with its tarball and its metadata, signed metadata first; of a spliced spec, what its build spec has. If a
 * mirror lacks a file or has a bad one, the next mirror is tried. A file gets its name only when complete and verified. Failures are in
 * the report. What was fetched of a tarball before an interruption is left below the destination, and the next download goes on there.
 * @throws MirrorError if the destination is not writable
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
  const namedFor = (each: DagHash) => request.catalog.find(each)?.mirrors ?? [];
  const offers = buildOffers({ ...request, spec, namedFor, signal: options.signal });
  for await (const { offered, offer } of offers) {
    try {
      if ('refusal' in offer) throw offer.refusal;
      const files = await takeOffer({ ...wanted, offered, offer });
      const mirror = offer.mirror.cache.url;
      return { name, version, hash, outcome: 'downloaded', mirror, ...files, error: undefined };
    } catch (error) {
      options.signal?.throwIfAborted();
      if (!(error instanceof BuildcacheError)) throw error;
      if (isDestinationFailure(error)) throw error;
      refusals.push(error);
    }
  }
  const error = noUsableBuildOffer({ spec, mirrors: request.mirrors, refusals, action: 'download' });
  return { name, version, hash, outcome: 'failed', mirror: undefined, files: [], bytes: 0, error };
}

interface Taking extends PackageDownload {
  /** What the offer is of: the build spec, if the wanted one is spliced. */
  readonly offered: Spec;
  readonly offer: PackageOffer;
}

/** The tarball comes first, the metadata last: its presence means that the others exist. */
async function takeOffer(taking: Taking): Promise<{ files: string[]; bytes: number }> {
  const { offered: spec, request, options } = taking;
  const files = await verifiedFiles({ ...request, ...taking.offer, spec, signal: options.signal });
  const sizes: number[] = [];
  for (const file of files) sizes.push(await takeFile({ ...taking, file, isTarball: sizes.length === 0 }));
  return { files: files.map(({ path }) => path), bytes: sizes[0] ?? 0 };
}

/** Parts that different tries or mirrors brought need not fit together: then it is taken once more, from one mirror and from its beginning. */
async function takeFile(taking: FileTaking): Promise<number> {
  const first = new FileTransfer(taking, { isFresh: false });
  try {
    return await first.run();
  } catch (error) {
    taking.options.signal?.throwIfAborted();
    const isUnfit = error instanceof IntegrityError || isCode(error, 'mirror-range');
    if (!(isUnfit && first.isPatchwork) && !isRetryable(error)) throw error;
    return await new FileTransfer(taking, { isFresh: true }).run();
  }
}

function isCode(error: unknown, code: ErrorCode): boolean {
  return error instanceof BuildcacheError && error.code === code;
}
