// Chooses packages of a build cache by specs, hashes and files, with all that they need and the cache has: what goes into a view.
import { UsageError } from '../../core/errors.js';
import type { OperationOptions } from '../../core/progress.js';
import type { ListedPackage, Mirror } from '../../mirror/build-cache.js';
import { describeNode } from '../../spec/describe.js';
import { matchQuery, parseSpecQuery } from '../../spec/query/spec-query.js';
import type { DagHash, Spec } from '../../spec/spec.js';
import { allNodes } from '../../spec/traverse.js';
import { type ConstraintQuery, type FileQuery, readSpecs } from '../query/resolve-specs.js';
import { DEFAULT_JOBS, listPackages, readPackages, type UnreadableSpecfile } from './read-packages.js';

export interface SelectPackagesRequest {
  readonly mirror: Mirror;
  /** As typed: names, hashes, any specs, `x.spec.json`, `spack.lock`; everything that matches is chosen, without any all packages. */
  readonly queries: readonly string[];
  /** Reads a named file. */
  readonly readFile: (path: string) => Promise<Uint8Array>;
  /** Number of manifests to read concurrently; 16 by default. */
  readonly jobs?: number | undefined;
}

export interface SelectedPackages {
  readonly packages: readonly ListedPackage[];
  /** What could not be read, so that nobody knows whether it was meant. */
  readonly unreadable: readonly UnreadableSpecfile[];
}

/**
 * Chooses packages. As in Spack's views of environments, those that they need come along, build dependencies too, where the mirror has
 * them.
 * @throws UsageError `spec-not-found` naming everything that the mirror lacks, `spec-syntax`; MetadataError for an unusable file;
 * MirrorError `mirror-protocol` for a mirror that cannot be listed
 */
export async function selectPackages(
  request: SelectPackagesRequest,
  options: OperationOptions = {},
): Promise<SelectedPackages> {
  const queries = request.queries.map(parseSpecQuery);
  const listed = await listPackages(request.mirror, options.signal);
  if (queries.length === 0) return { packages: listed, unreadable: [] };
  const there = new Set(listed.map(({ hash }) => hash));
  const chosen = new Set<string>();
  const missing: string[] = [];
  const choose = (spec: Spec) => {
    for (const { hash } of allNodes(spec)) chosen.add(hash);
  };
  for (const spec of await specsOfFiles(queries.filter(isFile), request)) {
    if (there.has(spec.root.hash)) choose(spec);
    else missing.push(describeNode(spec.root, { hashLength: 32, graph: spec }));
  }
  const matching = { queries: queries.filter(isConstraint), listed, choose, request, options };
  const { unreadable, unmatched } = await chooseMatching(matching);
  missing.push(...unmatched.map(({ text }) => text));
  if (missing.length > 0) throw lacking(missing, request.mirror);
  const left = new Set(unreadable.map(({ location }) => location));
  const packages = listed.filter(({ hash, location }) => chosen.has(hash) && !left.has(location));
  return { packages, unreadable };
}

type Query = ReturnType<typeof parseSpecQuery>;

function isFile(query: Query): query is FileQuery {
  return query.type === 'file';
}

function isConstraint(query: Query): query is ConstraintQuery {
  return query.type === 'constraint';
}

/** Without externals, which no build cache has. */
async function specsOfFiles(files: readonly FileQuery[], request: SelectPackagesRequest): Promise<Spec[]> {
  const specs: Spec[] = [];
  for (const file of files) specs.push(...(await readSpecs(file, request)));
  return specs.filter(({ root }) => root.external === undefined);
}

interface Matching {
  readonly queries: readonly ConstraintQuery[];
  readonly listed: readonly ListedPackage[];
  readonly choose: (spec: Spec) => void;
  readonly request: SelectPackagesRequest;
  readonly options: OperationOptions;
}

/** Reads what the queries may mean: the packages themselves say it, since the index may be older, or not there. */
async function chooseMatching({ queries, listed, choose, request, options }: Matching) {
  const unmatched = new Set(queries);
  const packages = listed.filter(({ hash }) =>
    queries.some(({ constraint }) => constraint.hash === undefined || hash.startsWith(constraint.hash)),
  );
  const onSpec = (spec: Spec) => {
    const lookup = (hash: DagHash) => spec.nodes.get(hash);
    const matched = queries.filter((query) => matchQuery(query, [spec.root], lookup).length > 0);
    for (const query of matched) unmatched.delete(query);
    if (matched.length > 0) choose(spec);
  };
  const unreadable = await readPackages({ packages, onSpec, jobs: request.jobs ?? DEFAULT_JOBS, options });
  return { unreadable, unmatched: [...unmatched] };
}

function lacking(missing: readonly string[], { cache: { url } }: Mirror): UsageError {
  const list = missing.map((each) => `"${each}"`).join(', ');
  return new UsageError('spec-not-found', `Cannot choose ${list}: "${url}" has no such package`, {
    hint: 'Push what is missing first, or leave it out',
    data: { mirror: url, specs: missing },
  });
}
