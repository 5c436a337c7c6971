// The tarball of an offer, with what it must be. In layout 0 it lies inside of an outer archive that is fetched and verified first.
import { tarballPath } from '../buildcache/layout.js';
import { requireChecksum, type Specfile } from '../buildcache/specfile/specfile.js';
import { IntegrityError } from '../core/errors.js';
import type { OnProgress } from '../core/progress.js';
import type { MirrorObject } from '../mirror/mirror.js';
import type { Keyring } from '../signature/keys/keyring.js';
import type { Spec } from '../spec/spec.js';
import type { Stage } from '../store/staging/stage.js';
import type { Inflater } from '../stream/inflate/inflater.js';
import type { OpenTarball } from './core-pool.js';
import type { ExpectedDigest } from './extract.js';
import { openOuterArchive } from './layout0.js';
import type { PackageOffer } from './package-offers.js';

export interface TarballSource {
  /** URL or path, for messages. */
  readonly location: string;
  /** The specfile that counts. */
  readonly specfile: Specfile;
  readonly isVerified: boolean;
  readonly expected: readonly ExpectedDigest[];
  /** Bytes of the file on the mirror, where they are not those that `open` gives. */
  readonly outerBytes: number | undefined;
  /** Opens the compressed bytes, anew each time. */
  open(): Promise<OpenTarball>;
}

export interface TarballRequest {
  readonly spec: Spec;
  readonly offer: PackageOffer;
  readonly stage: Stage;
  readonly keyring: Keyring;
  readonly inflater: Inflater;
  /** A digest that the user wants the file on the mirror to have. */
  readonly sha256: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: OnProgress | undefined;
}

/**
 * Prepares the tarball of an offer.
 * @throws IntegrityError `checksum-missing`, `checksum-invalid`, `checksum-mismatch`; with layout 0 what its archive and signature bring
 */
export async function prepareTarball(request: TarballRequest): Promise<TarballSource> {
  return request.offer.specfile.layoutVersion === 0 ? openInner(request) : openOuter(request);
}

function openOuter(request: TarballRequest): TarballSource {
  const { offer, sha256 } = request;
  // Before anything is fetched, a specfile without a usable checksum is refused.
  const expected = [{ digest: requireChecksum(offer.specfile), source: 'its specfile' }];
  if (sha256 !== undefined) expected.push({ digest: sha256, source: 'the command line' });
  return {
    location: offer.mirror.location(tarballPath(request.spec.root, request.spec)),
    specfile: offer.specfile,
    isVerified: offer.signature === 'verified',
    expected,
    outerBytes: undefined,
    open: () => fetchTarball(request),
  };
}

async function openInner(request: TarballRequest): Promise<TarballSource> {
  const { offer, sha256, spec, onProgress } = request;
  const object = await fetchTarball(request);
  const { name, hash } = spec.root;
  const inner = await openOuterArchive({
    ...request,
    body: object.body,
    location: object.location,
    mustVerify: offer.signature === 'pending',
    onBytes: (bytes) =>
      onProgress?.({ type: 'package-progress', package: name, hash, bytes, size: object.size, files: 0 }),
  });
  if (sha256 !== undefined && sha256 !== inner.outerDigest)
    throw otherDigest(object.location, sha256, inner.outerDigest);
  const { specfile, location, isVerified, open, outerBytes } = inner;
  const expected = [{ digest: requireChecksum(specfile), source: 'its specfile' }];
  return {
    specfile,
    location,
    isVerified,
    expected,
    outerBytes,
    open: async () => ({ body: open(), size: outerBytes }),
  };
}

async function fetchTarball({ offer, spec, signal, onProgress }: TarballRequest): Promise<MirrorObject> {
  const object = await offer.mirror.get(tarballPath(spec.root, spec), { signal });
  const { name, hash } = spec.root;
  onProgress?.({ type: 'package-started', package: name, hash, size: object.size });
  return object;
}

function otherDigest(location: string, expected: string, actual: string): IntegrityError {
  return new IntegrityError(
    'checksum-mismatch',
    `Cannot use "${location}": its sha256 is ${actual}, the command line says ${expected}`,
    { hint: 'Check the digest, or leave out --sha256', data: { location, expected, actual } },
  );
}
