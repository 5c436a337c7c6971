// What a store has: its records that fit what was asked for.

import { matchQuery, parseSpecQuery } from '../../spec/query/spec-query.js';
import type { DagHash, SpecNode } from '../../spec/spec.js';
import type { Store } from '../../store/store.js';
import { sortedByPlace } from './list.js';

export interface FoundPackage {
  readonly node: SpecNode;
  readonly prefix: string | undefined;
  readonly explicit: boolean;
  readonly external: boolean;
}

/**
 * Finds installed packages and recorded externals.
 * @throws UsageError `spec-syntax`; StoreError `database-unreadable`
 */
export function findPackages(store: Store, queries: readonly string[]): FoundPackage[] {
  const records = [...store.database.records().values()].filter((record) => record.installed);
  const byHash = new Map(records.map((record) => [record.hash, record]));
  const nodes = records.map((record) => store.database.nodeOf(record));
  const lookup = (hash: DagHash): SpecNode | undefined => {
    const record = store.database.get(hash);
    return record === undefined ? undefined : store.database.nodeOf(record);
  };
  const wanted = queries.map((text) => parseSpecQuery(text));
  const fitting = new Set(
    wanted.length === 0 ? nodes : wanted.flatMap((query) => matchQuery(query, nodes, lookup)),
  );
  return sortedByPlace(fitting, { nodes: { get: lookup } }).map((node) => {
    const record = byHash.get(node.hash);
    return {
      node,
      prefix: record?.path,
      explicit: record?.explicit ?? false,
      external: node.external !== undefined,
    };
  });
}
