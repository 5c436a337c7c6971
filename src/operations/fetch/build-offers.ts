// The offers for what a spec was built as: of a spliced spec, build caches have the package of its build spec.
import type { BuildcacheError } from '../../core/errors.js';
import type { Mirror } from '../../mirror/build-cache.js';
import type { DagHash, Spec } from '../../spec/spec.js';
import { buildSpecOf } from '../../spec/splice.js';
import {
  noUsableOffer,
  type OffersRequest,
  type PackageOffer,
  packageOffers,
  type RefusedOffer,
} from './package-offers.js';

export interface BuildOffersRequest extends Omit<OffersRequest, 'named'> {
  /** Mirrors that the index names for a package. */
  readonly namedFor: (hash: DagHash) => readonly Mirror[];
}

export interface OfferedSpec {
  /** The spec that the offer is of. */
  readonly offered: Spec;
  readonly offer: PackageOffer | RefusedOffer;
}

/** Of a spliced spec the package that was built is asked for first, then the spliced one, which somebody may have pushed. */
export async function* buildOffers({
  namedFor,
  ...request
}: BuildOffersRequest): AsyncGenerator<OfferedSpec> {
  const built = buildSpecOf(request.spec);
  for (const offered of built === undefined ? [request.spec] : [built, request.spec]) {
    const named = namedFor(offered.root.hash);
    for await (const offer of packageOffers({ ...request, spec: offered, named })) yield { offered, offer };
  }
}

export interface UselessOffers {
  readonly spec: Spec;
  readonly mirrors: readonly Mirror[];
  readonly refusals: readonly BuildcacheError[];
  /** What was wanted with the package. */
  readonly action: 'install' | 'download' | 'copy';
}

/** One error for all failed attempts; of a spliced spec it names the build spec, too. */
export function noUsableBuildOffer({ spec, mirrors, refusals, action }: UselessOffers): BuildcacheError {
  const { root } = spec;
  const built = buildSpecOf(spec);
  const failure = noUsableOffer(built ?? spec, mirrors, refusals);
  if (built === undefined) return failure;
  const buildSpec = `${built.root.name}/${built.root.hash}`;
  const { code, hint, data } = failure;
  const isMissing = code === 'spec-not-found' || code === 'mirror-not-found';
  const advice = isMissing ? `Add a mirror that has "${buildSpec}", or push it to one` : hint;
  return failure.with({
    message: `Cannot ${action} the spliced "${root.name}/${root.hash}" without its build spec "${buildSpec}": ${failure.message}`,
    ...(advice === undefined ? {} : { hint: advice }),
    data: { ...data, hash: root.hash, buildSpec: built.root.hash },
  });
}
