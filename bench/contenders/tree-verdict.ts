// Verdicts on what a turn left in its folder. Installations are compared without each tool's own files.
import type { Verdict } from '../case.js';
import type { CacheInput } from '../inputs/case-input.js';
import type { TreeFacts } from '../oracle/expected-tree.js';
import { treeDigest, treeSize } from '../tree-digest.js';

/** Records and scripts of the tools themselves: metadata folders, database, sbang. */
const KEPT_FOR_ITSELF = ['.spack', '.spack-db', 'sbang'];

type Depth = 'thorough' | 'quick';

/** The verdict for all tarballs, unpacked without changes. */
export async function unpackedVerdict(folder: string, depth: Depth, input: CacheInput): Promise<Verdict> {
  const digest = depth === 'thorough' ? treeDigest(folder) : treeSize(folder);
  return { kind: `files as packed, ${depth}`, digest, expected: at(depth, await input.expected.packed()) };
}

/** The verdict for packages installed below `root`: all of the input, unless they are named. */
export async function installedVerdict(
  root: string,
  depth: Depth,
  { input, packages = input.packages }: { readonly input: CacheInput; readonly packages?: readonly string[] },
): Promise<Verdict> {
  const options = { root, without: KEPT_FOR_ITSELF };
  const digest = depth === 'thorough' ? treeDigest(root, options) : treeSize(root, options);
  const which = packages === input.packages ? '' : ` of ${packages.join(', ')}`;
  const expected = at(depth, await input.expected.installed(root, packages));
  return { kind: `files relocated${which}, ${depth}`, digest, expected };
}

/** The verdict for a tree without the leading folders that all members share; no other contender drops them. */
export function stagedVerdict(folder: string, depth: Depth): Verdict {
  const digest = depth === 'thorough' ? treeDigest(folder) : treeSize(folder);
  return { kind: `files in a stage, ${depth}`, digest };
}

function at(depth: Depth, { digest, size }: TreeFacts): string {
  return depth === 'thorough' ? digest : size;
}
