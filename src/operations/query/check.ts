// Finds packages that are missing on mirrors and would have to be rebuilt (Spack `check_specs_against_mirrors`).
import type { OperationOptions } from '../../core/progress.js';
import type { Mirror } from '../../mirror/build-cache.js';
import { PackageCatalog } from '../../mirror/index/package-catalog.js';
import { formatNode } from '../../spec/format.js';
import { parseSpecQuery } from '../../spec/query/spec-query.js';
import type { DagHash, Spec } from '../../spec/spec.js';
import { allNodes, subSpec } from '../../spec/traverse.js';
import type { Store } from '../../store/store.js';
import { inParallel } from '../in-parallel.js';
import { resolveInstalled } from './resolve-installed.js';
import { resolveSpecs } from './resolve-specs.js';

export interface CheckRequest {
  readonly specs: readonly Spec[];
  readonly mirrors: readonly Mirror[];
  /** What the views of mirrors name; of a mirror with a view only that counts. */
  readonly catalog?: PackageCatalog | undefined;
  /** Questions to a mirror at a time; 16 by default. */
  readonly jobs?: number | undefined;
}

/** The packages missing on one mirror, with Spack's property names. */
export interface MirrorRebuilds {
  readonly mirrorName: string;
  readonly mirrorUrl: string;
  readonly rebuildSpecs: readonly { readonly short_spec: string; readonly hash: DagHash }[];
}

/** By mirror URL; complete mirrors are omitted. */
export type CheckReport = Readonly<Record<string, MirrorRebuilds>>;

/** Spack's `Spec.short_spec`. */
const SHORT_SPEC =
  '{name}{@version}{%compiler.name}{@compiler.version}{variants}{arch=architecture}{/hash:7}';
const DEFAULT_JOBS = 16;

/**
 * Finds the packages for which a mirror has neither signed nor unsigned metadata. Externals are skipped, as they are never built.
 * @throws MirrorError when a mirror does not answer, since its content is then unknown.
 */
export async function checkSpecs(
  { specs, mirrors, catalog, jobs = DEFAULT_JOBS }: CheckRequest,
  { signal }: OperationOptions = {},
): Promise<CheckReport> {
  const wanted = specs.filter(({ root }) => root.external === undefined);
  const report: Record<string, MirrorRebuilds> = {};
  for (const mirror of mirrors) {
    const { cache } = mirror;
    const missing = await findMissing({ mirror, catalog, specs: wanted, jobs, signal });
    if (missing.length === 0) continue;
    const rebuildSpecs = missing.map((spec) => ({
      short_spec: formatNode(SHORT_SPEC, spec.root, spec),
      hash: spec.root.hash,
    }));
    report[cache.url] = { mirrorName: cache.name, mirrorUrl: cache.url, rebuildSpecs };
  }
  return report;
}

interface Search {
  readonly mirror: Mirror;
  readonly catalog: PackageCatalog | undefined;
  readonly specs: readonly Spec[];
  readonly jobs: number;
  readonly signal: AbortSignal | undefined;
}

async function findMissing(search: Search): Promise<readonly Spec[]> {
  const { mirror, specs, jobs, signal } = search;
  const missing = new Set<Spec>();
  const ask = async (spec: Spec): Promise<void> => {
    if (!isNamed(spec, search) || !(await mirror.cache.has(spec, { signal }))) missing.add(spec);
  };
  await inParallel({ items: specs, jobs, signal, work: ask });
  return specs.filter((spec) => missing.has(spec));
}

/** Whether the view of a mirror names a package; without a view everything that is there counts. */
function isNamed({ root }: Spec, { mirror, catalog }: Search): boolean {
  if (mirror.cache.view === undefined || catalog === undefined) return true;
  return catalog.find(root.hash)?.mirrors.includes(mirror) ?? false;
}

export interface ResolveCheckedRequest {
  /** As typed: names, hashes and specs of a store; `x.spec.json`; `spack.lock`, which stands for all packages in it. */
  readonly queries: readonly string[];
  /** Opens the store; called only if a query needs it. */
  readonly openStore: () => Store;
  /** Reads a named file. */
  readonly readFile: (path: string) => Promise<Uint8Array>;
}

/**
 * Finds the specs to check.
 * @throws UsageError `spec-syntax`, `spec-not-found`, `spec-ambiguous`; MetadataError for an unusable file; StoreError
 */
export async function resolveCheckedSpecs({
  queries,
  openStore,
  readFile,
}: ResolveCheckedRequest): Promise<readonly Spec[]> {
  const found = new Map<DagHash, Spec>();
  for (const text of queries) {
    const query = parseSpecQuery(text);
    const specs =
      query.type === 'file'
        ? await resolveSpecs({ queries: [text], catalog: new PackageCatalog([]), mirrors: [], readFile })
        : await resolveInstalled({ queries: [text], store: openStore(), readFile });
    const isLockfile = query.type === 'file' && query.format === 'lockfile';
    for (const spec of isLockfile ? specs.flatMap(everySpecOf) : specs) found.set(spec.root.hash, spec);
  }
  return [...found.values()];
}

function everySpecOf(spec: Spec): readonly Spec[] {
  return allNodes(spec).map((node) => subSpec(spec, node));
}
