// From what a person named to concrete specs of a store: through its database, or a file that holds specs.
import { parseSpecfile } from '../../buildcache/specfile/specfile.js';
import { extractClearsigned } from '../../signature/clearsign/clearsign.js';
import { parseLockfile } from '../../spec/json/lockfile.js';
import {
  completeHashOf,
  matchQuery,
  parseSpecQuery,
  requireOneMatch,
  type SpecQuery,
} from '../../spec/query/spec-query.js';
import type { DagHash, Spec, SpecNode } from '../../spec/spec.js';
import type { Store } from '../../store/store.js';

export interface ResolveInstalledRequest {
  /** As typed: `/hash`, `name`, `name@version`, any spec, `x.spec.json`, `spack.lock`. */
  readonly queries: readonly string[];
  readonly store: Store;
  /** Reads a file that was named. */
  readonly readFile: (path: string) => Promise<Uint8Array>;
}

/**
 * Finds the recorded specs that were named; of several that fit, the one that is installed. What a file names need not be recorded.
 * @throws UsageError `spec-syntax`, `spec-not-found`, `spec-ambiguous`; MetadataError for a file that cannot be used
 */
export async function resolveInstalled(request: ResolveInstalledRequest): Promise<Spec[]> {
  const specs = new Map<DagHash, Spec>();
  for (const text of request.queries) {
    const query = parseSpecQuery(text);
    const found = query.type === 'file' ? await readSpecs(query, request) : [findSpec(query, request.store)];
    for (const spec of found) specs.set(spec.root.hash, spec);
  }
  return [...specs.values()];
}

type FileQuery = Extract<SpecQuery, { type: 'file' }>;

/** A package that the store knows counts as the store knows it. */
async function readSpecs(query: FileQuery, { store, readFile }: ResolveInstalledRequest): Promise<Spec[]> {
  const bytes = await readFile(query.path);
  return parseFile(query, bytes).map((spec) =>
    isKnown(spec.root.hash, store) ? store.specOf(spec.root.hash) : spec,
  );
}

function parseFile({ path, format }: FileQuery, bytes: Uint8Array): readonly Spec[] {
  if (format === 'lockfile') return parseLockfile(bytes, path).roots;
  const text = path.endsWith('.sig') ? extractClearsigned(bytes, path) : bytes;
  return [parseSpecfile(text, path, { newestLayout: Number.MAX_SAFE_INTEGER }).spec];
}

function findSpec(query: SpecQuery, store: Store): Spec {
  const hash = completeHashOf(query);
  if (hash !== undefined && isKnown(hash, store)) return store.specOf(hash);
  const nodes = [...store.database.records().values()].map((record) => store.database.nodeOf(record));
  const byHash = new Map(nodes.map((node) => [node.hash, node]));
  const lookup = (wanted: DagHash): SpecNode | undefined => byHash.get(wanted);
  const matches = matchQuery(query, nodes, lookup);
  const installed = matches.filter((node) => store.isInstalled(node.hash) !== undefined);
  const node = requireOneMatch(query, installed.length > 0 ? installed : matches, { nodes: { get: lookup } });
  return store.specOf(node.hash);
}

function isKnown(hash: DagHash, store: Store): boolean {
  return store.database.get(hash) !== undefined || store.upstreams.find(hash) !== undefined;
}
