// What build caches have: the packages of their indexes that fit what was asked for.
import { BuildcacheError, MetadataError, UsageError } from '../../core/errors.js';
import type { CatalogEntry, PackageCatalog } from '../../mirror/index/package-catalog.js';
import { compilerOf } from '../../spec/compiler.js';
import { matchQuery, parseSpecQuery, type SpecQuery } from '../../spec/query/spec-query.js';
import type { DagHash, NodeGraph, SpecNode } from '../../spec/spec.js';
import { candidateEntries } from './resolve-specs.js';

export interface ListRequest {
  readonly catalog: PackageCatalog;
  /** Everything when empty. */
  readonly queries: readonly string[];
  /** Told of a package that no index describes properly, and which is left out. */
  readonly onUnreadable?: ((error: MetadataError) => void) | undefined;
}

export interface ListedPackage {
  readonly hash: DagHash;
  /** Read from the index when it is asked for: a list of everything does not fit into memory. */
  readonly node: SpecNode;
  /** URLs of the mirrors that have it, in search order. */
  readonly mirrors: readonly string[];
}

/**
 * Lists packages, by architecture, compiler, name and version.
 * @throws UsageError `spec-syntax`; `usage` for a file, which names packages, and is no question.
 */
export function listPackages({ catalog, queries, onUnreadable }: ListRequest): ListedPackage[] {
  const lookup = (hash: DagHash) => catalog.node(hash);
  const graph = { nodes: { get: lookup } };
  const found = new Map<DagHash, { readonly hash: DagHash; readonly keys: readonly string[] }>();
  const texts = new SharedTexts();
  for (const query of parseQueries(queries)) {
    for (const entry of query === undefined ? catalog.entries() : candidateEntries(query, catalog)) {
      if (found.has(entry.hash)) continue;
      const node = readNode(entry, onUnreadable);
      if (node === undefined || !fits(node, query, lookup)) continue;
      found.set(entry.hash, { hash: entry.hash, keys: texts.share(sortKeys(node, graph)) });
    }
  }
  return [...found.values()].sort(byKeys).map(({ hash }) => new Listed(hash, catalog));
}

/** No query asks for everything. */
function parseQueries(queries: readonly string[]): readonly (ConstraintQuery | undefined)[] {
  return queries.length === 0 ? [undefined] : queries.map(parseConstraintQuery);
}

type ConstraintQuery = Extract<SpecQuery, { type: 'constraint' }>;

function parseConstraintQuery(text: string): ConstraintQuery {
  const query = parseSpecQuery(text);
  if (query.type === 'constraint') return query;
  throw new UsageError('usage', `Cannot list "${text}": it is a file`, {
    hint: 'Name packages: name, name@version, /hash, any spec',
    data: { spec: text },
  });
}

function readNode(entry: CatalogEntry, onUnreadable: ListRequest['onUnreadable']): SpecNode | undefined {
  try {
    return entry.node;
  } catch (error) {
    if (!(error instanceof MetadataError)) throw error;
    onUnreadable?.(error);
    return undefined;
  }
}

function fits(
  node: SpecNode,
  query: ConstraintQuery | undefined,
  lookup: (hash: DagHash) => SpecNode | undefined,
): boolean {
  return query === undefined || matchQuery(query, [node], lookup).length > 0;
}

/** A list of everything repeats few architectures, compilers, names and versions very often. */
class SharedTexts {
  readonly #texts = new Map<string, string>();

  share(texts: readonly string[]): string[] {
    return texts.map((text) => this.#texts.get(text) ?? this.#add(text));
  }

  #add(text: string): string {
    this.#texts.set(text, text);
    return text;
  }
}

class Listed implements ListedPackage {
  readonly hash: DagHash;
  readonly #catalog: PackageCatalog;

  constructor(hash: DagHash, catalog: PackageCatalog) {
    this.hash = hash;
    this.#catalog = catalog;
  }

  get node(): SpecNode {
    const node = this.#catalog.node(this.hash);
    if (node === undefined) throw new TypeError(`"${this.hash}" is not in the catalog any more`);
    return node;
  }

  get mirrors(): readonly string[] {
    return this.#catalog.find(this.hash)?.mirrors.map(({ cache }) => cache.url) ?? [];
  }
}

/** Making one is far dearer than comparing with it. */
const COLLATOR = new Intl.Collator('en', { numeric: true });

/**
 * A stable order for people: what belongs together stands together.
 * @param graph where the compilers of nodes of format 5 are found.
 */
export function sortedByPlace(nodes: Iterable<SpecNode>, graph: NodeGraph): SpecNode[] {
  const keyed = Array.from(nodes, (node) => ({ node, keys: sortKeys(node, graph) }));
  return keyed.sort(byKeys).map(({ node }) => node);
}

interface Keyed {
  readonly keys: readonly string[];
}

function byKeys({ keys: left }: Keyed, { keys: right }: Keyed): number {
  for (const [i, key] of left.entries()) {
    const order = COLLATOR.compare(key, right[i] ?? '');
    if (order !== 0) return order;
  }
  return 0;
}

function sortKeys(node: SpecNode, graph: NodeGraph): string[] {
  const { arch, name, version, hash } = node;
  const { platform, os, target } = arch;
  return [`${platform}-${os}-${target}`, compilerKey(node, graph), name, version, hash];
}

function compilerKey(node: SpecNode, graph: NodeGraph): string {
  try {
    const compiler = compilerOf(node, graph);
    return compiler === undefined ? '' : `${compiler.name}@${compiler.version}`;
  } catch (error) {
    // An index may lack the compiler's record; the package is there all the same.
    if (error instanceof BuildcacheError) return '';
    throw error;
  }
}
