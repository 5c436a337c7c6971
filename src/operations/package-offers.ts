// What the mirrors offer for one package: metadata that was found, verified as far as it must be, and describes this package.

import { specfilePath } from '../buildcache/layout.js';
import { parseSpecfile, type Specfile } from '../buildcache/specfile/specfile.js';
import { BuildcacheError, MetadataError, SignatureError, UsageError } from '../core/errors.js';
import { isNotFound, type Mirror } from '../mirror/mirror.js';
import { type MetadataCandidate, metadataCandidates } from '../mirror/package-source.js';
import { extractClearsigned, verifyClearsigned } from '../signature/clearsign/clearsign.js';
import type { Keyring } from '../signature/keys/keyring.js';
import type { Spec } from '../spec/spec.js';

export interface OffersRequest {
  readonly spec: Spec;
  /** Configured mirrors in search order. */
  readonly mirrors: readonly Mirror[];
  /** Those that the index named for this package; they are asked first. */
  readonly named: readonly Mirror[];
  readonly keyring: Keyring;
  /** False: no signature is asked for, whatever the mirror is configured to. */
  readonly checkSignature: boolean;
  readonly signal?: AbortSignal | undefined;
}

export interface PackageOffer {
  readonly mirror: Mirror;
  /** URL or path of the metadata file. */
  readonly location: string;
  readonly specfile: Specfile;
  /** The metadata file as it is, with its signature. */
  readonly metadata: { readonly path: string; readonly bytes: Uint8Array };
  /** `pending`: the signature must be inside of the tarball (layout 0). */
  readonly signature: 'verified' | 'not-required' | 'pending';
}

/** An offer that cannot be used, and why. */
export interface RefusedOffer {
  readonly refusal: BuildcacheError;
}

/** Every offer in search order: signed metadata of all mirrors before unsigned of any. */
export async function* packageOffers(request: OffersRequest): AsyncGenerator<PackageOffer | RefusedOffer> {
  const { spec, mirrors, named, signal } = request;
  const paths = {
    signed: specfilePath(spec.root, { signed: true, spec }),
    unsigned: specfilePath(spec.root, { signed: false, spec }),
  };
  for await (const candidate of metadataCandidates({ mirrors, named, paths, signal })) {
    if ('failure' in candidate) {
      yield { refusal: candidate.failure };
      continue;
    }
    try {
      yield await readOffer(candidate, candidate.signed ? paths.signed : paths.unsigned, request);
    } catch (error) {
      if (!(error instanceof BuildcacheError)) throw error;
      yield { refusal: error };
    }
  }
}

async function readOffer(
  candidate: MetadataCandidate,
  path: string,
  request: OffersRequest,
): Promise<PackageOffer> {
  const { mirror, location } = candidate;
  const mustVerify = request.checkSignature && mirror.signed;
  const { text, signature } = await readSignedText(candidate, request.keyring, mustVerify);
  const specfile = parseSpecfile(text, location);
  checkIdentity({ specfile, spec: request.spec, location, isVerified: signature === 'verified' });
  if (signature === 'pending' && specfile.layoutVersion > 0) throw unsigned(location);
  return { mirror, location, specfile, metadata: { path, bytes: candidate.bytes }, signature };
}

async function readSignedText(candidate: MetadataCandidate, keyring: Keyring, mustVerify: boolean) {
  const { signed, bytes, location } = candidate;
  if (!signed)
    return { text: bytes, signature: mustVerify ? ('pending' as const) : ('not-required' as const) };
  if (!mustVerify) return { text: extractClearsigned(bytes, location), signature: 'not-required' as const };
  const { text } = await verifyClearsigned(bytes, keyring, location);
  return { text, signature: 'verified' as const };
}

interface IdentityCheck {
  readonly specfile: Specfile;
  readonly spec: Spec;
  readonly location: string;
  readonly isVerified: boolean;
}

/** A mirror may serve one good package under the name of another. */
export function checkIdentity({ specfile, spec, location, isVerified }: IdentityCheck): void {
  const actual = specfile.spec.root.hash;
  const expected = spec.root.hash;
  if (actual === expected) return;
  const message = `Cannot use "${location}": it describes "${specfile.spec.root.name}/${actual}", not "${spec.root.name}/${expected}"`;
  const details = {
    hint: 'The mirror serves another package under this name: do not trust it',
    data: { location, expected, actual },
  };
  if (isVerified) throw new SignatureError('signature-wrong-spec', message, details);
  throw new MetadataError('wrong-package', message, details);
}

function unsigned(location: string): SignatureError {
  return new SignatureError('signature-missing', `Cannot use "${location}": it is not signed`, {
    hint: 'Install with "--no-check-signature", or configure the mirror with "signed: false"',
    data: { location },
  });
}

/** The one error that stands for everything that was tried, with all of it as its causes. */
export function noUsableOffer(
  spec: Spec,
  mirrors: readonly Mirror[],
  refusals: readonly BuildcacheError[],
): BuildcacheError {
  const [only, ...others] = refusals;
  if (only === undefined || (others.length > 0 && refusals.every(isNotFound)))
    return nowhere(spec, mirrors, refusals);
  if (others.length === 0) return only;
  const telling =
    refusals.find((error) => error instanceof SignatureError) ??
    refusals.find((error) => !isNotFound(error)) ??
    only;
  const Kind = telling.constructor as typeof BuildcacheError;
  return new Kind(telling.code, `${telling.message} (and ${others.length} more failed)`, {
    cause: telling,
    data: { ...telling.data, causes: causesOf(refusals) },
    retryable: refusals.every((error) => error.retryable),
    ...(telling.hint === undefined ? {} : { hint: telling.hint }),
  });
}

function nowhere(spec: Spec, mirrors: readonly Mirror[], refusals: readonly BuildcacheError[]): UsageError {
  const name = `${spec.root.name}@${spec.root.version}/${spec.root.hash}`;
  return new UsageError('spec-not-found', `Cannot find "${name}" on any mirror`, {
    hint: 'Check the mirrors, or push the package to one of them',
    data: { package: name, mirrors: mirrors.map((mirror) => mirror.url), causes: causesOf(refusals) },
  });
}

function causesOf(refusals: readonly BuildcacheError[]) {
  return refusals.map(({ code, message }) => ({ code, message }));
}
