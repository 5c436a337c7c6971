// From JSON to the graph of a concrete spec: specfiles of versions 1 to 5, and records of an index or a database (FORMATS.md §2).

import { MetadataError } from '../../core/errors.js';
import type { DagHash, DependencyEdge, JsonValue, Spec, SpecNode } from '../spec.js';
import { JsonFact } from './json-fact.js';
import { HASH_KEYS, type HashKey, hashKeyOf, readNode, requireKnownVersion } from './node-json.js';

export { parseNode } from './node-json.js';

/**
 * Reads the dictionary of a specfile (what it holds besides `spec` is ignored).
 *
 * @param json - `{"spec": …}`.
 * @param source - how messages name the file.
 * @throws MetadataError `metadata-invalid` naming the path of the fact, `specfile-version-unsupported`.
 */
export function parseSpecDictionary(json: JsonValue, source: string): Spec {
  const spec = new JsonFact(json, source).get('spec');
  const version = readSpecfileVersion(spec);
  const facts = (version === 1 ? spec : spec.get('nodes')).items();
  const keyed = new KeyedNodes(source);
  const key = version === 2 ? findHashKey(facts) : 'hash';
  for (const fact of facts) {
    const node = readNode(fact, version);
    keyed.add(version === 1 ? node.name : readLinkKey(fact, version, key), node, fact);
  }
  const root = keyed.first();
  if (root === undefined) throw spec.invalid('a spec with at least one node');
  const linkOf = version === 1 ? (edge: DependencyEdge) => edge.name : (edge: DependencyEdge) => edge.hash;
  return keyed.link(root, linkOf);
}

/**
 * Builds a spec out of the records of an index or a database.
 *
 * @param rootHash - the record to start from.
 * @param lookup - answers the node of a hash.
 * @param source - how messages name the records.
 * @throws MetadataError `metadata-invalid` when a node is missing, or the records form a cycle.
 */
export function specFromRecords(
  rootHash: DagHash,
  lookup: (hash: DagHash) => SpecNode | undefined,
  source = 'index',
): Spec {
  const root = lookup(rootHash);
  if (root === undefined) throw missingNode(source, rootHash, undefined);
  const graph = {
    source,
    childOf: (edge: DependencyEdge) => lookup(edge.hash),
    buildSpecOf: (node: SpecNode) => node.buildSpec && lookup(node.buildSpec),
  };
  return { root, nodes: collectNodes(root, graph) };
}

/** Nodes by the key that edges use: a name (version 1), one of the old hashes (version 2), or the dag hash. */
export class KeyedNodes {
  readonly #byKey = new Map<string, SpecNode>();
  readonly #source: string;

  constructor(source: string) {
    this.#source = source;
  }

  add(key: string, node: SpecNode, fact: JsonFact): void {
    if (this.#byKey.has(key)) {
      throw new MetadataError(
        'metadata-invalid',
        `Cannot read "${this.#source}": two nodes are called "${key}"`,
        {
          data: { source: this.#source, path: fact.path, key },
        },
      );
    }
    this.#byKey.set(key, node);
  }

  get(key: string): SpecNode | undefined {
    return this.#byKey.get(key);
  }

  first(): SpecNode | undefined {
    const [first] = this.#byKey.values();
    return first;
  }

  /** The spec below a root, with every edge and build spec given as a dag hash. */
  link(root: SpecNode, linkOf: (edge: DependencyEdge) => string): Spec {
    const childOf = (edge: DependencyEdge): SpecNode | undefined => this.#byKey.get(linkOf(edge));
    const buildSpecOf = (node: SpecNode): SpecNode | undefined => this.#buildSpecOf(node);
    const nodes = collectNodes(root, { source: this.#source, childOf, buildSpecOf });
    for (const [hash, node] of nodes) {
      if (node.formatVersion <= 2) nodes.set(hash, this.#resolve(node, childOf));
    }
    return { root: nodes.get(root.hash) ?? root, nodes };
  }

  #buildSpecOf(node: SpecNode): SpecNode | undefined {
    if (node.buildSpec === undefined) return undefined;
    const found = this.#byKey.get(node.buildSpec);
    if (found === undefined) throw missingNode(this.#source, node.buildSpec, node);
    return found;
  }

  #resolve(node: SpecNode, childOf: (edge: DependencyEdge) => SpecNode | undefined): SpecNode {
    const dependencies = node.dependencies.map((edge) => ({
      ...edge,
      hash: childOf(edge)?.hash ?? edge.hash,
    }));
    return { ...node, dependencies, buildSpec: this.#buildSpecOf(node)?.hash };
  }
}

function readSpecfileVersion(spec: JsonFact): number {
  if (Array.isArray(spec.value)) return 1;
  const version = spec.get('_meta').get('version').count();
  requireKnownVersion(version, spec.source);
  if (version === 1) throw spec.invalid('a list, as specfile version 1 has it');
  return version;
}

/** Version 2 keys all nodes by the hash that its dependencies are named with. */
function findHashKey(nodes: readonly JsonFact[]): HashKey {
  for (const node of nodes) {
    const [edge] = node.find('dependencies')?.items() ?? [];
    if (edge !== undefined) return hashKeyOf(edge);
  }
  return HASH_KEYS[0];
}

/** Files that name some edges by another hash than the rest fail later: the node is not found by it. */
function readLinkKey(fact: JsonFact, version: number, key: HashKey): string {
  return fact.get(version === 2 ? key : 'hash').text();
}

interface Graph {
  readonly source: string;
  childOf(edge: DependencyEdge): SpecNode | undefined;
  buildSpecOf(node: SpecNode): SpecNode | undefined;
}

/** All nodes below a root, in preorder, then those below build specs; the first of several with one hash stays. */
function collectNodes(root: SpecNode, graph: Graph): Map<DagHash, SpecNode> {
  const nodes = new Map<DagHash, SpecNode>();
  const roots = [root];
  for (const start of roots) {
    if (nodes.has(start.hash)) continue;
    for (const node of visitBelow(start, graph, nodes)) {
      const buildSpec = graph.buildSpecOf(node);
      if (buildSpec !== undefined) roots.push(buildSpec);
    }
  }
  return nodes;
}

/** Adds what is new below a node. Does not use the stack of the machine: a hostile file may be one long chain. */
function visitBelow(start: SpecNode, graph: Graph, nodes: Map<DagHash, SpecNode>): SpecNode[] {
  const visited: SpecNode[] = [];
  const open = new Set<DagHash>();
  const frames: { readonly node: SpecNode; next: number }[] = [];
  const enter = (node: SpecNode): void => {
    nodes.set(node.hash, node);
    visited.push(node);
    open.add(node.hash);
    frames.push({ node, next: 0 });
  };
  enter(start);
  for (let frame = frames.at(-1); frame !== undefined; frame = frames.at(-1)) {
    const edge = frame.node.dependencies[frame.next++];
    if (edge === undefined) {
      open.delete(frame.node.hash);
      frames.pop();
      continue;
    }
    const child = requireChild(frame.node, edge, graph);
    if (open.has(child.hash)) throw cyclic(graph.source, child);
    if (!nodes.has(child.hash)) enter(child);
  }
  return visited;
}

function requireChild(parent: SpecNode, edge: DependencyEdge, { source, childOf }: Graph): SpecNode {
  const child = childOf(edge);
  if (child === undefined) throw missingNode(source, edge.hash, parent, edge.name);
  if (child.name === edge.name) return child;
  throw new MetadataError(
    'metadata-invalid',
    `Cannot read "${source}": "${parent.name}" depends on "${edge.name}", but that node is called "${child.name}"`,
    {
      data: { source, path: `${parent.name}.dependencies.${edge.name}`, hash: edge.hash, actual: child.name },
    },
  );
}

function missingNode(
  source: string,
  hash: string,
  parent: SpecNode | undefined,
  name?: string,
): MetadataError {
  const wanted = name === undefined ? `the node "${hash}"` : `the node "${name}/${hash}"`;
  const by = parent === undefined ? '' : `, which "${parent.name}" needs`;
  return new MetadataError('metadata-invalid', `Cannot read "${source}": ${wanted}${by}, is missing`, {
    data: {
      source,
      hash,
      parent: parent?.hash,
      path: parent === undefined ? hash : `${parent.name}.dependencies`,
    },
  });
}

function cyclic(source: string, node: SpecNode): MetadataError {
  return new MetadataError('metadata-invalid', `Cannot read "${source}": "${node.name}" depends on itself`, {
    data: { source, hash: node.hash, path: node.name },
  });
}
