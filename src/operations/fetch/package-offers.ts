// The mirrors' offers for one package, in order (FORMATS.md §7, Spack `download_tarball`): first the mirrors that the index named,
// then the other configured ones; signed metadata from all of them before unsigned metadata from any.
import {
  BuildcacheError,
  type ErrorCode,
  MirrorError,
  SignatureError,
  UsageError,
} from '../../core/errors.js';
import type {
  AbsentPackage,
  BuildCache,
  MetadataKind,
  Mirror,
  PackageDescription,
  Trust,
} from '../../mirror/build-cache.js';
import type { Keyring } from '../../signature/keys/keyring.js';
import type { Spec } from '../../spec/spec.js';
import { isNotFound } from '../../transport/read-object.js';
import { NO_TRUST, trustKeyring } from '../keys/trust.js';

export interface OffersRequest {
  readonly spec: Spec;
  /** Configured mirrors in search order. */
  readonly mirrors: readonly Mirror[];
  /** Mirrors that the index names for this package; they are asked first. */
  readonly named: readonly Mirror[];
  readonly keyring: Keyring;
  /** If false, no signature is required, whatever the mirror's configuration. */
  readonly checkSignature: boolean;
  readonly signal?: AbortSignal | undefined;
}

export interface PackageOffer {
  readonly mirror: Mirror;
  /** Which signatures are trusted there. */
  readonly trust: Trust;
  readonly description: PackageDescription;
}

/** An unusable offer, with the reason. */
export interface RefusedOffer {
  /** `mirror-not-found` only at the end, if no mirror had any metadata. */
  readonly refusal: BuildcacheError;
}

/**
 * Every offer, best first. A mirror is asked only when the consumer wants the next offer, so it can stop at the first usable one.
 */
export async function* packageOffers(request: OffersRequest): AsyncGenerator<PackageOffer | RefusedOffer> {
  const absences: RefusedOffer[] = [];
  const unreachable = new Set<Mirror>();
  let found = false;
  for await (const place of places(request)) {
    if (unreachable.has(place.mirror)) continue;
    const answer = await ask(place, request);
    if ('absence' in answer) {
      absences.push({ refusal: answer.absence });
      continue;
    }
    found ||= !('refusal' in answer) || wasRead(answer.refusal);
    // A server that does not answer will not answer for the next file either.
    if ('refusal' in answer && NO_ANSWER.has(answer.refusal.code)) unreachable.add(place.mirror);
    yield answer;
  }
  if (!found) yield* absences;
}

const NO_ANSWER: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['mirror-unreachable', 'mirror-left-alone']);

interface Place {
  readonly mirror: Mirror;
  /** The mirror's cache, or one of its layers: what one layout has not, or has damaged, another may have. */
  readonly cache: BuildCache;
  readonly kind: MetadataKind;
}

async function* places({ mirrors, named, signal }: OffersRequest): AsyncIterable<Place> {
  const ordered = new Set([...named, ...mirrors]);
  for (const kind of ['signed', 'unsigned'] as const)
    for (const mirror of ordered)
      for (const cache of await layersOf(mirror, signal)) yield { mirror, cache, kind };
}

/** Where nobody can look, asking for the package is what fails. */
async function layersOf({ cache }: Mirror, signal: AbortSignal | undefined): Promise<readonly BuildCache[]> {
  try {
    return (await cache.presentLayers?.({ signal })) ?? [cache];
  } catch (error) {
    if (!(error instanceof BuildcacheError)) throw error;
    return [cache];
  }
}

async function ask(
  { mirror, cache, kind }: Place,
  { spec, keyring, checkSignature, signal }: OffersRequest,
): Promise<PackageOffer | RefusedOffer | AbsentPackage> {
  const trust = checkSignature && mirror.requiresSignature ? trustKeyring(keyring) : NO_TRUST;
  try {
    const description = await cache.describe(spec, kind, { trust, signal });
    return 'absence' in description ? description : { mirror, trust, description };
  } catch (error) {
    signal?.throwIfAborted();
    if (!(error instanceof BuildcacheError)) throw error;
    return { refusal: error };
  }
}

/** Whether there was metadata that turned out to be unusable. */
function wasRead(error: BuildcacheError): boolean {
  if (error.code === 'blob-missing') return true;
  return !(error instanceof MirrorError) && error.code !== 'metadata-too-large';
}

/** One error for all failed attempts, with all of them as its causes. */
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
  return telling.with({
    message: `${telling.message} (and ${others.length} more failed)`,
    cause: telling,
    data: { ...telling.data, causes: causesOf(refusals) },
    retryable: refusals.every((error) => error.retryable),
  });
}

function nowhere(spec: Spec, mirrors: readonly Mirror[], refusals: readonly BuildcacheError[]): UsageError {
  const name = `${spec.root.name}@${spec.root.version}/${spec.root.hash}`;
  return new UsageError('spec-not-found', `Cannot find "${name}" on any mirror`, {
    hint: 'Check the mirrors, or push the package to one of them',
    data: { package: name, mirrors: mirrors.map(({ cache }) => cache.url), causes: causesOf(refusals) },
  });
}

function causesOf(refusals: readonly BuildcacheError[]) {
  return refusals.map(({ code, message }) => ({ code, message }));
}
