// The tarball of an offer, with its expected digests. A tarball inside another archive is extracted first.

import type { RelocationRules } from '../../buildcache/relocation-rules.js';
import type { Specfile } from '../../buildcache/specfile/specfile.js';
import { IntegrityError } from '../../core/errors.js';
import type { PackageDescription, TarballReference, UnwrappedPackage } from '../../mirror/build-cache.js';
import type { Spec } from '../../spec/spec.js';
import type { Stage } from '../../store/staging/stage.js';
import type { Inflater } from '../../stream/inflate/inflater.js';
import type { ExpectedDigest } from '../install/extract.js';
import type { OpenTarball } from '../workers/core-pool.js';
import { type HedgedTarballRequest, openHedgedTarball } from './hedged-tarball.js';
import { StageScratchFile } from './scratch-file.js';

export interface TarballSource {
  /** URL or path, for messages. */
  readonly location: string;
  /** The authoritative specfile. */
  readonly specfile: Specfile;
  /** The rules of the layout that the package has. */
  readonly rules: RelocationRules;
  readonly isVerified: boolean;
  readonly expected: readonly ExpectedDigest[];
  /** Size of the file on the mirror in bytes, if it is not the file that `open` returns. */
  readonly outerBytes: number | undefined;
  /** Opens the compressed bytes; each call starts from the beginning. */
  open(): Promise<OpenTarball>;
}

export interface TarballRequest extends HedgedTarballRequest {
  /** What progress is told of: another one if that is spliced. */
  readonly installed: Spec;
  /** Whether only the mirror of the offer may bring bytes. */
  readonly isAlone?: boolean | undefined;
  readonly stage: Stage;
  readonly inflater: Inflater;
  /** The digest that the user expects of the file on the mirror. */
  readonly sha256: string | undefined;
}

/**
 * Prepares the tarball of an offer.
 * @throws IntegrityError `checksum-missing`, `checksum-invalid`, `checksum-mismatch`; the errors of unwrapping
 */
export async function prepareTarball(request: TarballRequest): Promise<TarballSource> {
  const { description } = request.offer;
  return description.unwrap === undefined
    ? openStored(description, request)
    : openWrapped(await unwrap(request, description.unwrap), request);
}

function openStored(description: PackageDescription, request: TarballRequest): TarballSource {
  const { sha256, isAlone, signal } = request;
  const { tarball } = description;
  // Before anything is fetched, metadata without a usable checksum is refused.
  const expected = [fromMetadata(tarball)];
  if (sha256 !== undefined) expected.push({ digest: sha256, source: 'the command line' });
  const open = async () => {
    const object = await (isAlone ? tarball.open({ signal }) : openHedgedTarball(request));
    tellStarted(request, object.size);
    return object;
  };
  return { ...factsOf(description), expected, outerBytes: undefined, open };
}

function openWrapped(unwrapped: UnwrappedPackage, { sha256 }: TarballRequest): TarballSource {
  const { tarball, outer } = unwrapped;
  if (sha256 !== undefined && sha256 !== outer.sha256) throw otherDigest(outer, sha256);
  const open = async () => ({ body: (await tarball.open()).body, size: outer.size });
  return { ...factsOf(unwrapped), expected: [fromMetadata(tarball)], outerBytes: outer.size, open };
}

function unwrap(
  request: TarballRequest,
  open: NonNullable<PackageDescription['unwrap']>,
): Promise<UnwrappedPackage> {
  const { spec, installed, offer, stage, inflater, signal, onProgress } = request;
  const { name, hash } = installed.root;
  return open({
    spec,
    trust: offer.trust,
    inflater,
    scratch: new StageScratchFile(stage),
    signal,
    onBytes: (bytes, size) => {
      if (bytes === 0) tellStarted(request, size);
      else onProgress?.({ type: 'package-progress', package: name, hash, bytes, size, files: 0 });
    },
  });
}

function tellStarted({ installed, onProgress }: TarballRequest, size: number | undefined): void {
  const { name, hash } = installed.root;
  onProgress?.({ type: 'package-started', package: name, hash, size });
}

function factsOf({ tarball, specfile, rules, signature }: PackageDescription) {
  return { location: tarball.location, specfile, rules, isVerified: signature === 'verified' };
}

function fromMetadata({ sha256, namedBy = 'its specfile' }: TarballReference): ExpectedDigest {
  return { digest: sha256, source: namedBy };
}

function otherDigest(
  { location, sha256: actual }: UnwrappedPackage['outer'],
  expected: string,
): IntegrityError {
  return new IntegrityError(
    'checksum-mismatch',
    `Cannot use "${location}": its sha256 is ${actual}, the command line says ${expected}`,
    { hint: 'Check the digest, or leave out --sha256', data: { location, expected, actual } },
  );
}
