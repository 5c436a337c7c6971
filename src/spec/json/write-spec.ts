// A whole spec as `.spack/spec.json` holds it: compact, each node once (FORMATS.md §2; Spack `Spec.to_dict`).
import type { DagHash, Spec, SpecNode } from '../spec.js';
import { allNodes, subSpec } from '../traverse.js';
import { asciiJson } from './ascii-json.js';
import { type WritableFormat, writeNode } from './write-node.js';

/** The newest format that Spacks before 1.0 read; older nodes are written in it too. */
const CLASSIC_FORMAT = 4;

/**
 * Formats a spec, with the build specs of what is spliced in it, as far as the graph has them.
 * @throws MetadataError `metadata-invalid` when the spec lacks a node
 */
export function formatSpecJson(spec: Spec): string {
  const nodes = [...orderedNodes(spec).values()];
  const newest = Math.max(CLASSIC_FORMAT, ...nodes.map(({ formatVersion }) => formatVersion));
  const version: WritableFormat = newest > CLASSIC_FORMAT ? 5 : CLASSIC_FORMAT;
  return asciiJson({
    spec: { _meta: { version }, nodes: nodes.map((node) => writeNode(node, version)) },
  });
}

/** Behind each spliced node comes its build spec with all that is not there yet. Build specs may be spliced too, however often. */
function orderedNodes(spec: Spec): Map<DagHash, SpecNode> {
  const ordered = new Map<DagHash, SpecNode>();
  const walks = [allNodes(spec).values()];
  for (let walk = walks.at(-1); walk !== undefined; walk = walks.at(-1)) {
    const { value: node } = walk.next();
    if (node === undefined) walks.pop();
    else if (!ordered.has(node.hash)) {
      ordered.set(node.hash, node);
      const built = node.buildSpec && spec.nodes.get(node.buildSpec);
      if (built !== undefined) walks.push(allNodes(subSpec(spec, built)).values());
    }
  }
  return ordered;
}
