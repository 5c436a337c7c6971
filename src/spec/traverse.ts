// Traversal orders of a spec's graph: for installation, for the prefix mapping, for the database (FORMATS.md §2, §4, §5).

import { MetadataError } from '../core/errors.js';
import type { DagHash, DependencyEdge, DependencyType, Spec, SpecNode } from './spec.js';

const LINK: readonly DependencyType[] = ['link'];
const LINK_RUN: readonly DependencyType[] = ['link', 'run'];
const BUILD_LINK_RUN: readonly DependencyType[] = ['build', 'link', 'run'];

/**
 * The nodes to install, dependencies first: postorder over link and run edges, children by name. Includes externals.
 *
 * @throws MetadataError `metadata-invalid` when the spec lacks a node.
 */
export function installOrder(spec: Spec): SpecNode[] {
  return walk(spec, LINK_RUN).postorder;
}

/** The two orders of a walk from the root. */
export interface WalkOptions {
  readonly order?: 'depth-first' | 'breadth-first';
}

/**
 * Specs in an order in which each comes after those of the others that it needs at run time.
 *
 * @throws MetadataError `metadata-invalid` when a spec lacks a node.
 */
export function inOrderOfNeed(specs: readonly Spec[]): Spec[] {
  const byHash = new Map(specs.map((spec) => [spec.root.hash, spec]));
  const ordered = new Map<DagHash, Spec>();
  for (const spec of specs)
    for (const { hash } of installOrder(spec)) {
      const each = byHash.get(hash);
      if (each !== undefined) ordered.set(hash, each);
    }
  return [...ordered.values()];
}

/**
 * The nodes whose prefixes a package may contain, in the order of replacement: over link edges from the root, depth first
 * (preorder; Spack 1.x: breadth first), children by name, then the root's direct run dependencies that are not yet there. Externals are
 * left out.
 *
 * @throws MetadataError `metadata-invalid` when the spec lacks a node.
 */
export function hashToPrefixOrder(spec: Spec, { order = 'depth-first' }: WalkOptions = {}): SpecNode[] {
  const nodes = new Map<DagHash, SpecNode>();
  const linked = order === 'depth-first' ? walk(spec, LINK).preorder : breadthFirst(spec, LINK);
  for (const node of linked) nodes.set(node.hash, node);
  for (const node of childrenOf(spec, spec.root, ['run'])) {
    if (!nodes.has(node.hash)) nodes.set(node.hash, node);
  }
  return [...nodes.values()].filter((node) => node.external === undefined);
}

/**
 * Every node that a database records with the root: preorder over build, link and run edges, children by name.
 *
 * @throws MetadataError `metadata-invalid` when the spec lacks a node.
 */
export function allNodes(spec: Spec): SpecNode[] {
  return walk(spec, BUILD_LINK_RUN).preorder;
}

/**
 * The direct dependencies of a node over edges of some types, by name; a node with several edges appears once.
 *
 * @throws MetadataError `metadata-invalid` when the spec lacks a node.
 */
export function childrenOf(spec: Spec, node: SpecNode, types: readonly DependencyType[]): SpecNode[] {
  const edges = node.dependencies.filter((edge) => edge.types.some((type) => types.includes(type)));
  edges.sort((a, b) => (a.name < b.name ? -1 : Number(a.name > b.name)));
  const children = new Set(edges.map((edge) => nodeOf(spec, edge)));
  return [...children];
}

/**
 * The node that an edge leads to.
 *
 * @throws MetadataError `metadata-invalid` when the spec lacks it.
 */
export function nodeOf(spec: Spec, edge: Pick<DependencyEdge, 'name' | 'hash'>): SpecNode {
  const node = spec.nodes.get(edge.hash);
  if (node !== undefined) return node;
  throw new MetadataError(
    'metadata-invalid',
    `Cannot walk "${spec.root.name}": "${edge.name}/${edge.hash}" is missing`,
    {
      data: { root: spec.root.hash, hash: edge.hash },
    },
  );
}

/** A spec of the same graph with another of its nodes as the root. */
export function subSpec(spec: Spec, root: SpecNode): Spec {
  return { root, nodes: spec.nodes };
}

/** Each node once, the nearest to the root first. */
function breadthFirst(spec: Spec, types: readonly DependencyType[]): SpecNode[] {
  const found = new Map<DagHash, SpecNode>([[spec.root.hash, spec.root]]);
  // Iterating over a map includes entries added during the loop.
  for (const node of found.values())
    for (const child of childrenOf(spec, node, types))
      if (!found.has(child.hash)) found.set(child.hash, child);
  return [...found.values()];
}

/** Both orders of one depth-first walk; not recursive, since a graph may be one long chain. */
function walk(spec: Spec, types: readonly DependencyType[]): { preorder: SpecNode[]; postorder: SpecNode[] } {
  const preorder: SpecNode[] = [];
  const postorder: SpecNode[] = [];
  const seen = new Set<DagHash>();
  const frames: { node: SpecNode; rest: SpecNode[] }[] = [];
  const enter = (node: SpecNode): void => {
    if (seen.has(node.hash)) return;
    seen.add(node.hash);
    preorder.push(node);
    frames.push({ node, rest: childrenOf(spec, node, types).reverse() });
  };
  enter(spec.root);
  for (let frame = frames.at(-1); frame !== undefined; frame = frames.at(-1)) {
    const child = frame.rest.pop();
    if (child !== undefined) enter(child);
    else {
      postorder.push(frame.node);
      frames.pop();
    }
  }
  return { preorder, postorder };
}
