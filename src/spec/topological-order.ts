// Nodes that are needed at run time, dependents first, in the two orders that Spacks know: that of a depth-first walk, and since 1.0 the
// one that is nearest to breadth first (Spack `traverse_edges_topo`, `traverse_topo_edges_generator`).
import type { DagHash, DependencyEdge, Spec, SpecNode } from './spec.js';
import { nodeOf } from './traverse.js';

export type TopologicalOrder = 'depth-first' | 'breadth-first';

/** An edge of the graph; those to the roots come from nowhere. */
export interface RunEdge {
  readonly parent: SpecNode | undefined;
  readonly child: SpecNode;
  /** Whether the child is one that the parent runs, or a root. */
  readonly isRun: boolean;
}

/**
 * All edges between the nodes that some packages need at run time, those into a node before those out of it.
 * @param specs - share their nodes.
 * @throws MetadataError `metadata-invalid` when a spec lacks a node
 */
export function topologicalEdges(specs: readonly Spec[], order: TopologicalOrder): readonly RunEdge[] {
  return order === 'depth-first' ? depthFirst(specs) : breadthFirst(specs);
}

/** The nodes, each once, dependents first. Errors as `topologicalEdges`. */
export function topologicalNodes(specs: readonly Spec[], order: TopologicalOrder): SpecNode[] {
  const edges = topologicalEdges(specs, order);
  const remaining = new Map<DagHash, number>();
  for (const { child } of edges) remaining.set(child.hash, (remaining.get(child.hash) ?? 0) + 1);
  // A node comes with the edge by which it was found: the last one in a walk that goes back, where that is the first.
  const nodes: SpecNode[] = [];
  for (const { child } of edges) {
    const left = (remaining.get(child.hash) ?? 0) - 1;
    remaining.set(child.hash, left);
    if (left === 0) nodes.push(child);
  }
  return nodes;
}

interface Frame {
  readonly edge: RunEdge;
  readonly rest: RunEdge[];
}

/** Backwards: an edge is noted when its node is left, or was left before. Not recursive, since a graph may be one long chain. */
function depthFirst(specs: readonly Spec[]): readonly RunEdge[] {
  const left = new Set<DagHash>();
  const noted: RunEdge[] = [];
  for (const spec of specs) {
    const frames: Frame[] = [];
    const enter = (edge: RunEdge): void => {
      if (left.has(edge.child.hash)) noted.push(edge);
      else frames.push({ edge, rest: edgesOf(spec, edge.child).reverse() });
    };
    enter(rootEdge(spec));
    for (let frame = frames.at(-1); frame !== undefined; frame = frames.at(-1)) {
      const next = frame.rest.pop();
      if (next !== undefined) enter(next);
      else {
        left.add(frame.edge.child.hash);
        noted.push(frame.edge);
        frames.pop();
      }
    }
  }
  return noted.reverse();
}

/** A node's edges follow when all edges into it were met. */
function breadthFirst(specs: readonly Spec[]): readonly RunEdge[] {
  const roots = specs.map(rootEdge);
  const edgesFrom = new Map<DagHash, readonly RunEdge[]>();
  const toMeet = new Map<DagHash, number>();
  const count = ({ child }: RunEdge) => toMeet.set(child.hash, (toMeet.get(child.hash) ?? 0) + 1);
  roots.forEach(count);
  for (const [index, { child: root }] of roots.entries()) {
    const found = [root];
    // Iterating over a list includes entries added during the loop.
    for (const node of found) {
      const spec = specs[index];
      if (spec === undefined || edgesFrom.has(node.hash)) continue;
      const edges = edgesOf(spec, node);
      edgesFrom.set(node.hash, edges);
      edges.forEach(count);
      found.push(...edges.map(({ child }) => child));
    }
  }
  const met: RunEdge[] = [];
  const queue: (readonly RunEdge[])[] = [roots];
  for (const edges of queue)
    for (const edge of edges) {
      met.push(edge);
      const { hash } = edge.child;
      const left = (toMeet.get(hash) ?? 0) - 1;
      toMeet.set(hash, left);
      if (left === 0) queue.push(edgesFrom.get(hash) ?? []);
    }
  return met;
}

function rootEdge({ root }: Spec): RunEdge {
  return { parent: undefined, child: root, isRun: true };
}

/** By name; several edges to one node are one. */
function edgesOf(spec: Spec, node: SpecNode): RunEdge[] {
  const byHash = new Map<DagHash, { readonly edge: DependencyEdge; isRun: boolean }>();
  for (const edge of node.dependencies) {
    const isRun = edge.types.includes('run');
    if (!isRun && !edge.types.includes('link')) continue;
    const known = byHash.get(edge.hash);
    if (known === undefined) byHash.set(edge.hash, { edge, isRun });
    else known.isRun ||= isRun;
  }
  return [...byHash.values()]
    .map(({ edge, isRun }) => ({ parent: node, child: nodeOf(spec, edge), isRun }))
    .sort((a, b) => (a.child.name < b.child.name ? -1 : Number(a.child.name > b.child.name)));
}
