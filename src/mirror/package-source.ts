// Where the metadata of one package is looked for, and in which order (FORMATS.md §7, Spack `download_tarball`): mirrors that
// the index named first, then the other configured ones; signed metadata on all of them before unsigned on any.

import { BuildcacheError } from '../core/errors.js';
import { isNotFound } from '../transport/read-object.js';
import { type Mirror, readAll } from './mirror.js';

/** Specfiles of large environments have some megabytes. */
const LARGEST_METADATA = 64 * 1024 * 1024;

export interface MetadataRequest {
  /** The configured mirrors, in the order of search. */
  readonly mirrors: readonly Mirror[];
  /** Those that the index named for this package. */
  readonly named: readonly Mirror[];
  /** Paths of the metadata in a mirror. */
  readonly paths: { readonly signed: string; readonly unsigned: string };
  readonly signal?: AbortSignal | undefined;
}

/** Metadata that was found; it is neither verified nor parsed. */
export interface MetadataCandidate {
  readonly mirror: Mirror;
  /** It comes from the signed path. */
  readonly signed: boolean;
  readonly bytes: Uint8Array;
  /** Where it was found, for messages. */
  readonly location: string;
}

/** Metadata that could not be had. */
export interface MetadataFailure {
  readonly mirror: Mirror;
  readonly signed: boolean;
  /** `mirror-not-found` only at the end, and only when there was no candidate at all. */
  readonly failure: BuildcacheError;
  readonly location: string;
}

/**
 * Yields the metadata that the mirrors have for a package, best first. A mirror is asked when the consumer wants the next one,
 * so it can stop at the first that it can use.
 */
export async function* metadataCandidates(
  request: MetadataRequest,
): AsyncGenerator<MetadataCandidate | MetadataFailure, void, undefined> {
  const absences: MetadataFailure[] = [];
  const unreachable = new Set<Mirror>();
  let found = false;
  for (const place of places(request)) {
    if (unreachable.has(place.mirror)) continue;
    const answer = await readMetadata(place, request.signal);
    if ('bytes' in answer) {
      found = true;
      yield answer;
    } else if (isNotFound(answer.failure)) {
      absences.push(answer);
    } else {
      // A server that does not answer will not do so for the next file either.
      if (answer.failure.code === 'mirror-unreachable') unreachable.add(place.mirror);
      yield answer;
    }
  }
  if (!found) yield* absences;
}

interface MetadataPlace {
  readonly mirror: Mirror;
  readonly signed: boolean;
  readonly path: string;
}

function* places({ mirrors, named, paths }: MetadataRequest): Iterable<MetadataPlace> {
  const ordered = new Set([...named, ...mirrors]);
  for (const mirror of ordered) yield { mirror, signed: true, path: paths.signed };
  for (const mirror of ordered) yield { mirror, signed: false, path: paths.unsigned };
}

async function readMetadata(
  { mirror, signed, path }: MetadataPlace,
  signal: AbortSignal | undefined,
): Promise<MetadataCandidate | MetadataFailure> {
  const location = mirror.location(path);
  try {
    const bytes = await readAll(mirror, path, { limit: LARGEST_METADATA, signal });
    return { mirror, signed, bytes, location };
  } catch (failure) {
    signal?.throwIfAborted();
    if (failure instanceof BuildcacheError) return { mirror, signed, failure, location };
    throw failure;
  }
}
