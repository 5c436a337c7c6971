// A tarball that other mirrors may have, too: where the one that offers it stalls or fails, one of them takes over.
import { BuildcacheError } from '../../core/errors.js';
import type { OnProgress } from '../../core/progress.js';
import type { Mirror, TarballReference } from '../../mirror/build-cache.js';
import type { Keyring } from '../../signature/keys/keyring.js';
import type { Spec } from '../../spec/spec.js';
import type { OpenedObject } from '../../transport/object-store.js';
import { type Clock, SYSTEM_CLOCK } from '../../transport/steady/clock.js';
import type { ObjectSource } from '../../transport/steady/hedge-candidate.js';
import { openHedged, type Takeover } from '../../transport/steady/hedged-object.js';
import { DEFAULT_SETTINGS } from '../../transport/steady/transfer-settings.js';
import { type PackageOffer, packageOffers } from './package-offers.js';

export interface HedgeOptions {
  /** Milliseconds that a mirror is waited for before another one is asked, too; 0 for ever. */
  readonly after?: number | undefined;
  readonly clock?: Clock | undefined;
}

export interface HedgedTarballRequest {
  /** What the offer is of. */
  readonly spec: Spec;
  readonly offer: PackageOffer;
  readonly mirrors: readonly Mirror[];
  readonly keyring: Keyring;
  readonly hedge?: HedgeOptions | undefined;
  /** Where to begin; at the first byte by default. */
  readonly start?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: OnProgress | undefined;
  readonly onTakeover?: (() => void) | undefined;
}

/** Mirrors that another one took over from the last time. */
const LOSERS = new WeakSet<Mirror>();

/** Opens the tarball of an offer; whoever reads it checks its digest. Errors as `TarballReference.open`. */
export function openHedgedTarball(request: HedgedTarballRequest): Promise<OpenedObject> {
  const { offer, mirrors, hedge = {}, start = 0, signal, onProgress } = request;
  const { tarball } = offer.description;
  const first = sourceOf(tarball);
  // A file is read into the buffers of its reader.
  if (first === undefined) return tarball.open({ signal });
  if (tarball.isLocal || mirrors.length < 2)
    return first.open({ range: start === 0 ? undefined : { start }, signal });
  const { after = DEFAULT_SETTINGS.hedgeAfter, clock = SYSTEM_CLOCK } = hedge;
  const onTakeover = (takeover: Takeover) => {
    request.onTakeover?.();
    LOSERS.add(offer.mirror);
    onProgress?.({ type: 'warning', code: 'mirror-took-over', message: inWords(takeover) });
  };
  const others = () => otherSources(request);
  const isSuspect = LOSERS.delete(offer.mirror);
  return openHedged({ first, others, start, after, isSuspect, clock, signal, onTakeover });
}

/** Tarballs of other mirrors with the same digest. Nothing else in their metadata is believed, so nobody has to have signed it. */
async function* otherSources(request: HedgedTarballRequest): AsyncIterable<ObjectSource> {
  const { offer, signal } = request;
  const { sha256, location } = offer.description.tarball;
  const known = new Set([location]);
  const mirrors = request.mirrors.filter((mirror) => mirror !== offer.mirror);
  for await (const other of packageOffers({
    ...request,
    mirrors,
    named: [],
    checkSignature: false,
    signal,
  })) {
    if ('refusal' in other || other.description.unwrap !== undefined) continue;
    const { tarball } = other.description;
    const source = digestOf(tarball) === sha256 ? sourceOf(tarball) : undefined;
    if (source === undefined || known.has(source.location)) continue;
    known.add(source.location);
    yield source;
  }
}

function sourceOf(tarball: TarballReference): ObjectSource | undefined {
  if (tarball.openFrom === undefined) return undefined;
  return {
    location: tarball.location,
    open: async ({ range, signal }) =>
      range === undefined
        ? tarball.open({ signal })
        : (tarball.openFrom?.(range.start, { signal }) as Promise<OpenedObject>),
  };
}

/** Metadata without a usable digest is of no use here. */
function digestOf(tarball: TarballReference): string | undefined {
  try {
    return tarball.sha256;
  } catch (error) {
    if (error instanceof BuildcacheError) return undefined;
    throw error;
  }
}

function inWords({ from, to, position }: Takeover): string {
  return `"${to}" took over from "${from}" at byte ${position}, where that one was slow, stalled or failed`;
}
