// Spliced specs: the package was built as another spec, its build spec, and some of its dependencies were replaced afterwards
// (Spack's documentation, "Splicing"; Spack `relocate_package`). What build caches have is the tarball of the build spec.
import type { DagHash, Spec, SpecNode } from './spec.js';
import { allNodes, installOrder, subSpec } from './traverse.js';
import { compareVersions, parseVersion } from './version.js';

/**
 * The build spec of a spliced one; undefined for any other. Where the graph lacks it, the answer is good enough to find it on a mirror:
 * the two differ in their hashes and dependencies only.
 */
export function buildSpecOf(spec: Spec): Spec | undefined {
  const { root } = spec;
  const hash = root.buildSpec;
  if (hash === undefined || hash === root.hash) return undefined;
  const known = spec.nodes.get(hash);
  return subSpec(spec, known ?? { ...root, hash, buildSpec: undefined });
}

/**
 * For nodes of a spliced spec that the build spec has not: which of its nodes they replace. The root replaces the root, a dependency one
 * of the same name, else one that provides at least the virtuals that are asked of it; of several the newest. What replaces none is
 * not in the answer.
 * @throws MetadataError `metadata-invalid` when one of the specs lacks a node
 */
export function replacedNodes(spliced: Spec, built: Spec): ReadonlyMap<DagHash, DagHash> {
  const before = installOrder(built);
  const stayed = new Set(before.map(({ hash }) => hash));
  const virtualsBefore = virtualsByNode(built);
  const virtualsNow = virtualsByNode(spliced);
  const replaced = new Map<DagHash, DagHash>([[spliced.root.hash, built.root.hash]]);
  for (const node of installOrder(spliced)) {
    if (stayed.has(node.hash) || node === spliced.root) continue;
    const sameName = before.filter(({ name }) => name === node.name);
    const asked = virtualsNow.get(node.hash) ?? NONE;
    const candidates =
      sameName.length > 0
        ? sameName
        : before.filter(({ hash }) => asked.size > 0 && hasAll(virtualsBefore.get(hash) ?? NONE, asked));
    const found = newest(candidates);
    if (found !== undefined) replaced.set(node.hash, found.hash);
  }
  return replaced;
}

const NONE: ReadonlySet<string> = new Set();

/** The virtuals that each node provides to others of its spec. */
function virtualsByNode(spec: Spec): ReadonlyMap<DagHash, ReadonlySet<string>> {
  const found = new Map<DagHash, Set<string>>();
  for (const { dependencies } of allNodes(spec)) {
    for (const { hash, virtuals } of dependencies)
      found.set(hash, new Set([...(found.get(hash) ?? []), ...virtuals]));
  }
  return found;
}

function hasAll(all: ReadonlySet<string>, wanted: ReadonlySet<string>): boolean {
  return [...wanted].every((each) => all.has(each));
}

function newest(nodes: readonly SpecNode[]): SpecNode | undefined {
  const [first, ...others] = nodes;
  return others.reduce((best, node) => {
    const isNewer =
      best === undefined || compareVersions(parseVersion(node.version), parseVersion(best.version)) > 0;
    return isNewer ? node : best;
  }, first);
}
