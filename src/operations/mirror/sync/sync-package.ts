// Copies one package: as it is where the layout is the same, else published anew. Whatever is not complete and verified stays invisible.
import { BuildcacheError, SignatureError } from '../../../core/errors.js';
import type { PackageDescription, SignedSpecfile, StoredFile } from '../../../mirror/build-cache.js';
import type { Spec } from '../../../spec/spec.js';
import { buildOffers, noUsableBuildOffer } from '../../fetch/build-offers.js';
import { isDestinationFailure } from '../../fetch/destination-failure.js';
import type { PackageOffer } from '../../fetch/package-offers.js';
import { verifiedFiles } from '../../fetch/verified-files.js';
import { withTarball } from '../../fetch/with-tarball.js';
import { hasWhole, needsOtherArchive, publishAnew } from '../anew/publish-anew.js';
import type { SyncedPackage, Synchronization } from './synchronization.js';

type CopyResult = Pick<SyncedPackage, 'outcome' | 'moved' | 'there' | 'anew'>;

/**
 * Copies a package, unless it is there. What fails is in the result.
 * @throws MirrorError of a destination that cannot be written to; the errors of getting a key to sign with
 */
export async function syncPackage(spec: Spec, sync: Synchronization): Promise<SyncedPackage> {
  const { source, sources: mirrors, options } = sync;
  const { signal } = options;
  const refusals: BuildcacheError[] = [];
  for await (const { offered, offer } of buildOffers({
    ...sync,
    spec,
    mirrors,
    namedFor: () => [],
    signal,
  })) {
    try {
      if ('refusal' in offer) throw offer.refusal;
      const { name, version, hash } = offered.root;
      return { name, version, hash, ...(await takeOffer({ spec: offered, offer, sync })) };
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof BuildcacheError) || isDestinationFailure(error)) throw error;
      refusals.push(error);
    }
  }
  const { name, version, hash } = spec.root;
  const error = noUsableBuildOffer({ spec, mirrors: [source], refusals, action: 'copy' });
  return { name, version, hash, outcome: 'failed', moved: 0, there: 0, error };
}

interface Taking {
  readonly spec: Spec;
  readonly offer: PackageOffer;
  readonly sync: Synchronization;
}

function takeOffer(taking: Taking): Promise<CopyResult> {
  const { offer, sync } = taking;
  return canStay(offer, sync) ? copyAsIs(taking) : convert(taking);
}

/**
 * The layouts 0 to 2 lie side by side, and in registries all, each package with its own number: their signatures are worth more than one
 * number for all.
 */
function canStay({ mirror, description }: PackageOffer, sync: Synchronization): boolean {
  return mirror.cache.layouts === sync.target.layouts && hasFreeLayout(description, sync);
}

function hasFreeLayout(
  { layout }: PackageDescription,
  { publisher, isLayoutForced = false }: Synchronization,
): boolean {
  return !isLayoutForced || layout === publisher.layout;
}

async function copyAsIs({ spec, offer, sync }: Taking): Promise<CopyResult> {
  const { publisher, dryRun, options } = sync;
  const { signal } = options;
  const { description } = offer;
  const { shared = [] } = description;
  const withShared = ([tarball, ...others]: readonly StoredFile[]) =>
    tarball === undefined ? [] : [tarball, ...shared, ...others];
  // What must be unpacked to be verified is looked at first: nothing is fetched for what is there.
  if (dryRun || description.unwrap !== undefined) {
    const { isThere, moved, there } = await publisher.compare(withShared(description.files), { signal });
    if (isThere) return { outcome: 'already-there', moved: 0, there };
    if (dryRun) return { outcome: 'would-copy', moved, there };
  }
  const files = withShared(await verifiedFiles({ ...sync, ...offer, spec, signal }));
  const { isThere, moved, there } = await publisher.copy({ files, onBytes: teller(spec, sync) }, { signal });
  return { outcome: isThere ? 'already-there' : 'copied', moved, there };
}

function convert({ spec, offer, sync }: Taking): Promise<CopyResult> {
  const { signal } = sync.options;
  return withTarball({
    ...sync,
    ...offer,
    spec,
    signal,
    use: (opened) => convertOpened({ spec, opened, sync }),
  });
}

interface Converting {
  readonly spec: Spec;
  /** The description that counts. */
  readonly opened: PackageDescription;
  readonly sync: Synchronization;
}

async function convertOpened({ spec, opened, sync }: Converting): Promise<CopyResult> {
  const { target, publisher, dryRun, options } = sync;
  const { signal } = options;
  const { sha256 } = opened.tarball;
  const carried = carriedSignature(opened, sync);
  const isSigned = carried !== undefined || willBeSigned(opened, sync);
  // What is compressed anew has another digest, and only making it would tell which.
  const isAnother = opened.layout === 0 || needsOtherArchive(opened, publisher);
  const hasOtherDigest = carried === undefined && isAnother;
  const layout = carried?.layout ?? publisher.layout;
  const accepts = (found: PackageDescription) =>
    found.layout === layout && (hasOtherDigest || found.tarball.sha256 === sha256);
  const size = (await opened.files[0]?.measure({ signal })) ?? 0;
  if (await hasWhole({ cache: target, spec, isSigned, accepts, signal }))
    return { outcome: 'already-there', moved: 0, there: size };
  if (dryRun) return { outcome: 'would-copy', moved: size, there: 0 };
  const sign = isSigned && carried === undefined ? (await sync.signer?.())?.sign : undefined;
  const onBytes = teller(spec, sync);
  const published = await publishAnew({ ...sync, description: opened, sign, carried, onBytes, signal });
  const { bytes, isSent, recompressed } = published;
  const sizes = isSent ? { moved: bytes, there: 0 } : { moved: 0, there: bytes };
  return {
    outcome: 'copied',
    ...sizes,
    anew: { isSigned, keepsSignature: carried !== undefined, recompressed },
  };
}

/** What is signed as a specfile stays so in a build cache of another kind, where that takes it. */
function carriedSignature(opened: PackageDescription, sync: Synchronization): SignedSpecfile | undefined {
  const { signed } = opened;
  if (signed === undefined || !hasFreeLayout(opened, sync)) return undefined;
  return sync.publisher.takesSigned?.(signed.layout) ? signed : undefined;
}

/** Only what was verified gets a signature. */
function willBeSigned(
  { signature, location }: PackageDescription,
  { signer, allowUnsigned }: Synchronization,
): boolean {
  if (signature === 'verified' && signer !== undefined) return true;
  if (allowUnsigned) return false;
  throw new SignatureError(
    'signature-missing',
    `Cannot publish "${location}" in another layout: no signature of it was verified, so it cannot be signed anew`,
    {
      hint: 'Publish it unsigned with --unsigned, or keep the layout of the source with --layout',
      data: { location },
    },
  );
}

function teller({ root }: Spec, { options }: Synchronization) {
  const { name, hash } = root;
  return (bytes: number, size: number | undefined): void => {
    const event = { package: name, hash, size };
    if (bytes === 0) options.onProgress?.({ type: 'package-started', ...event });
    else options.onProgress?.({ type: 'package-progress', ...event, bytes, files: 0 });
  };
}
