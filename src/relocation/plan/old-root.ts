// Guesses where a package was built before its buildinfo says so, from the place that it has in its archive.

export interface OldRootRequest {
  /** The leading directories that all members share so far; may reach into the package. */
  readonly base: string;
  readonly hash: string;
  /** How many components the package's prefix has below the root of the new store. */
  readonly depth: number;
}

/** The default projection of Spack before 1.0 has this many components. */
const USUAL_DEPTH = 3;
/** A shorter root would be found everywhere. */
const SHORTEST_ROOT = 4;

/**
 * A path with which the old prefixes of a package probably begin; undefined where there is none to go by.
 * One that is too short only costs time, and one that is too long is found out when the buildinfo comes.
 */
export function guessOldRoot({ base, hash, depth }: OldRootRequest): string | undefined {
  const components = base.split('/');
  const named = components.findLastIndex((component) => component.includes(hash.slice(0, 7)));
  // Without the hash in a name, the package is taken to begin above `<prefix>/<folder>/<folder>`.
  const end = named >= 0 ? named + 1 : components.length - 2;
  const root = `/${components.slice(0, Math.max(0, end - Math.max(depth, USUAL_DEPTH))).join('/')}`;
  return root.length < SHORTEST_ROOT ? undefined : root;
}
