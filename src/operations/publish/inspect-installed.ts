// What is in the prefixes of installed packages, and of externals, that images make search paths of; each is looked at once.
import type { PrefixInspection } from '../../buildcache/image/prefix-inspection.js';
import type { DagHash, Spec, SpecNode } from '../../spec/spec.js';
import { inspectPrefix } from '../../store/prefix/inspect-prefix.js';
import type { Store } from '../../store/store.js';

/** Undefined for what has no prefix. */
export type InspectInstalled = (node: SpecNode, spec: Spec) => PrefixInspection | undefined;

export function inspectInstalled(store: Store): InspectInstalled {
  const known = new Map<DagHash, PrefixInspection | undefined>();
  return (node, spec) => {
    if (!known.has(node.hash)) {
      const { external } = node;
      const prefix = external === undefined ? store.prefixOf(node, spec) : external.path;
      known.set(node.hash, prefix === undefined ? undefined : inspectPrefix(prefix));
    }
    return known.get(node.hash);
  };
}
