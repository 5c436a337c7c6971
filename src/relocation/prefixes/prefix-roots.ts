// Common roots of a list of prefixes. Searching for a root once finds every prefix below it, so that the cost of a scan
// does not depend on how many prefixes share it.

/** Prefixes that share fewer bytes than this get roots of their own: a shorter root would be found everywhere. */
const SHORTEST_SHARED_ROOT = 4;

/** Common roots, none of which begins another: every prefix begins with exactly one of them. */
export function findRoots(prefixes: readonly Uint8Array[]): readonly Uint8Array[] {
  const roots: Uint8Array[] = [];
  let root: Uint8Array | undefined;
  for (const prefix of [...prefixes].sort(Buffer.compare)) {
    const shared: number = root === undefined ? 0 : sharedLength(root, prefix);
    if (root !== undefined && shared >= Math.min(SHORTEST_SHARED_ROOT, root.length)) {
      root = root.subarray(0, shared);
      roots[roots.length - 1] = root;
    } else {
      root = prefix;
      roots.push(root);
    }
  }
  return roots;
}

function sharedLength(a: Uint8Array, b: Uint8Array): number {
  const limit = Math.min(a.length, b.length);
  let length = 0;
  while (length < limit && a[length] === b[length]) length++;
  return length;
}
