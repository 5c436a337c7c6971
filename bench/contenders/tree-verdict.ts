// Verdicts on what a turn left in its folder. Installations are compared without what each tool keeps for itself.
import type { Verdict } from '../case.js';
import { treeDigest, treeSize } from '../tree-digest.js';

/** Records and scripts of the tools themselves: metadata folders, database, sbang. */
const KEPT_FOR_ITSELF = ['.spack', '.spack-db', 'sbang'];

/** Of a tarball that was unpacked as it is. */
export function unpackedVerdict(folder: string, depth: 'thorough' | 'quick'): Verdict {
  const digest = depth === 'thorough' ? treeDigest(folder) : treeSize(folder);
  return { kind: `files as packed, ${depth}`, digest };
}

/** Of packages that were installed below `root`; `what` tells apart other packages than those of the case. */
export function installedVerdict(root: string, depth: 'thorough' | 'quick', what = 'files'): Verdict {
  const options = { root, without: KEPT_FOR_ITSELF };
  const digest = depth === 'thorough' ? treeDigest(root, options) : treeSize(root, options);
  return { kind: `${what} relocated, ${depth}`, digest };
}
