// What build caches have: the packages of their indexes that fit what was asked for.
import type { PackageCatalog } from '../mirror/package-catalog.js';
import type { DagHash, SpecNode } from '../spec/spec.js';
import { matchQuery, parseSpecQuery } from '../spec/spec-query.js';

export interface ListRequest {
  readonly catalog: PackageCatalog;
  /** Everything when empty. */
  readonly queries: readonly string[];
}

export interface ListedPackage {
  readonly node: SpecNode;
  /** URLs of the mirrors that have it, in search order. */
  readonly mirrors: readonly string[];
}

/**
 * Lists packages, by architecture, compiler, name and version.
 * @throws UsageError `spec-syntax`
 */
export function listPackages({ catalog, queries }: ListRequest): ListedPackage[] {
  const lookup = (hash: DagHash) => catalog.node(hash);
  const wanted = queries.map((text) => parseSpecQuery(text));
  const nodes = [...catalog.nodes()];
  const fitting = new Set(
    wanted.length === 0 ? nodes : wanted.flatMap((query) => matchQuery(query, nodes, lookup)),
  );
  return [...fitting].sort(byPlace).map((node) => ({
    node,
    mirrors: catalog.find(node.hash)?.mirrors.map((mirror) => mirror.url) ?? [],
  }));
}

/** A stable order for people: what belongs together stands together. */
export function byPlace(a: SpecNode, b: SpecNode): number {
  const left = sortKeys(a);
  const right = sortKeys(b);
  for (const [i, key] of left.entries()) {
    const order = key.localeCompare(right[i] ?? '', 'en', { numeric: true });
    if (order !== 0) return order;
  }
  return 0;
}

function sortKeys({ arch, compiler, name, version, hash }: SpecNode): string[] {
  const { platform, os, target } = arch;
  return [`${platform}-${os}-${target}`, `${compiler?.name}@${compiler?.version}`, name, version, hash];
}
