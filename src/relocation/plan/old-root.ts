// Guesses where a package was built, from its paths in the archive, before the buildinfo is read.

export interface OldRootRequest {
  /** The leading directories that all members so far share; may reach into the package. */
  readonly base: string;
  readonly hash: string;
  /** How many components the package's prefix has below the new store's root. */
  readonly depth: number;
}

/** Components of the default projection before Spack 1.0. */
const USUAL_DEPTH = 3;
/** A shorter root would match everywhere. */
const SHORTEST_ROOT = 4;

/**
 * A path that the old prefixes of a package probably start with; undefined if nothing suggests one.
 * A guess that is too short only costs time; one that is too long is noticed when the buildinfo arrives.
 */
export function guessOldRoot({ base, hash, depth }: OldRootRequest): string | undefined {
  const components = base.split('/');
  const named = components.findLastIndex((component) => component.includes(hash.slice(0, 7)));
  // If no name contains the hash, assume that the package begins above `<prefix>/<folder>/<folder>`.
  const end = named >= 0 ? named + 1 : components.length - 2;
  const root = `/${components.slice(0, Math.max(0, end - Math.max(depth, USUAL_DEPTH))).join('/')}`;
  return root.length < SHORTEST_ROOT ? undefined : root;
}
