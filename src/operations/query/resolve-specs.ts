// Resolves the user's queries to concrete specs with their graphs: through the indexes, a mirror's listing, or a file.
import { parseSpecfile } from '../../buildcache/specfile/specfile.js';
import { UsageError } from '../../core/errors.js';
import type { BuildCache, Mirror } from '../../mirror/build-cache.js';
import type { CatalogEntry, PackageCatalog } from '../../mirror/index/package-catalog.js';
import { extractClearsigned } from '../../signature/clearsign/clearsign.js';
import { parseLockfile } from '../../spec/json/lockfile.js';
import { specFromRecords } from '../../spec/json/spec-json.js';
import {
  matchQuery,
  notFound,
  parseSpecQuery,
  requireOneMatch,
  type SpecQuery,
} from '../../spec/query/spec-query.js';
import type { DagHash, Spec, SpecNode } from '../../spec/spec.js';
import { NO_TRUST } from '../keys/trust.js';

export interface ResolveRequest {
  /** As typed: `/hash`, `name`, `name@version`, any spec, `x.spec.json`, `spack.lock`. */
  readonly queries: readonly string[];
  readonly catalog: PackageCatalog;
  readonly mirrors: readonly Mirror[];
  /** Reads a named file; if undefined, file names are not accepted. */
  readonly readFile?: ((path: string) => Promise<Uint8Array>) | undefined;
  /** Make no requests to mirrors. */
  readonly offline?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Finds the named specs.
 * @throws UsageError `spec-syntax`, `spec-not-found`, `spec-ambiguous`; MetadataError for an unusable file
 */
export async function resolveSpecs(request: ResolveRequest): Promise<Spec[]> {
  const specs = new Map<DagHash, Spec>();
  for (const text of request.queries) {
    const query = parseSpecQuery(text);
    const found = query.type === 'file' ? await readSpecs(query, request) : [await findSpec(query, request)];
    for (const spec of found) specs.set(spec.root.hash, spec);
  }
  return [...specs.values()];
}

export type FileQuery = Extract<SpecQuery, { type: 'file' }>;
export type ConstraintQuery = Extract<SpecQuery, { type: 'constraint' }>;

/** The roots that a file names. Errors as `resolveSpecs`. */
export async function readSpecs(
  query: FileQuery,
  { readFile }: Pick<ResolveRequest, 'readFile'>,
): Promise<readonly Spec[]> {
  if (readFile === undefined) throw new TypeError(`"${query.path}" is a file, but no reader was given`);
  const bytes = await readFile(query.path);
  if (query.format === 'lockfile') return parseLockfile(bytes, query.path).roots;
  const isSigned = query.path.endsWith('.sig');
  // Only selects what to request from the mirrors: their answers are verified.
  const text = isSigned ? extractClearsigned(bytes, query.path) : bytes;
  return [parseSpecfile(text, query.path, { newestLayout: Number.MAX_SAFE_INTEGER }).spec];
}

async function findSpec(query: ConstraintQuery, request: ResolveRequest): Promise<Spec> {
  const { catalog } = request;
  const lookup = (hash: DagHash) => catalog.node(hash);
  const matches = matchQuery(query, candidatesFor(query, catalog), lookup);
  if (matches.length === 0 && query.constraint.hash !== undefined) return findListed(query, request);
  const node = requireOneMatch(query, matches, { nodes: { get: lookup } });
  return specFromRecords(node.hash, lookup);
}

function* candidatesFor(query: ConstraintQuery, catalog: PackageCatalog): Iterable<SpecNode> {
  for (const entry of candidateEntries(query, catalog)) yield entry.node;
}

/** The packages to match with a query: few if the name or the hash narrows them down. */
export function candidateEntries(
  { constraint }: ConstraintQuery,
  catalog: PackageCatalog,
): Iterable<CatalogEntry> {
  return constraint.hash === undefined
    ? catalog.entries(constraint.name)
    : catalog.withHashPrefix(constraint.hash);
}

/** Looks for a hash that no index has: mirrors that can be listed may still have the package. */
async function findListed(query: ConstraintQuery, request: ResolveRequest): Promise<Spec> {
  const { mirrors, offline, catalog } = request;
  const listable = offline ? [] : mirrors.filter(({ cache }) => cache.packages !== undefined);
  const found = new Map<DagHash, Spec>();
  for (const mirror of listable) {
    for (const spec of await listedSpecs(mirror.cache, query.constraint.hash, request.signal)) {
      catalog.remember(mirror, spec.root);
      if (!found.has(spec.root.hash)) found.set(spec.root.hash, spec);
    }
  }
  const roots = [...found.values()].map(({ root }) => root);
  if (roots.length === 0 && listable.length < mirrors.length) throw cannotList(query, mirrors);
  const root = requireOneMatch(query, matchQuery(query, roots));
  return found.get(root.hash) ?? neverFound(query);
}

async function listedSpecs(
  cache: BuildCache,
  hashPrefix: string | undefined,
  signal: AbortSignal | undefined,
): Promise<Spec[]> {
  const specs: Spec[] = [];
  for await (const listed of cache.packages?.({ hashPrefix, signal }) ?? [])
    specs.push(await listed.read({ trust: NO_TRUST, signal }));
  return specs;
}

function cannotList(query: SpecQuery, mirrors: readonly Mirror[]): UsageError {
  const names = mirrors.map(({ cache }) => `"${cache.url}"`).join(', ');
  return new UsageError(
    'spec-not-found',
    `Cannot find "${query.text}": it is in no index, and ${names} cannot be listed`,
    {
      hint: 'Update the index of the mirror, or give a specfile of the package (x.spec.json)',
      data: { spec: query.text, mirrors: mirrors.map(({ cache }) => cache.url) },
    },
  );
}

function neverFound(query: SpecQuery): never {
  throw notFound(query);
}
