// What a push has to pack: which of the packages of some specs, where each of them is, and which prefixes it may hold.
import type { ArchiveRules } from '../../buildcache/archive-rules.js';
import { UsageError } from '../../core/errors.js';
import { describeNode } from '../../spec/describe.js';
import type { DagHash, Spec, SpecNode } from '../../spec/spec.js';
import { allNodes, hashToPrefixOrder, installOrder, subSpec } from '../../spec/traverse.js';
import { unpaddedRoot } from '../../store/root/padding.js';
import { sbangPath } from '../../store/root/sbang.js';
import type { Store } from '../../store/store.js';

export interface PushSelection {
  readonly specs: readonly Spec[];
  readonly store: Store;
  /** What the packages' archives will be like. */
  readonly archive: ArchiveRules;
  /** Only the specs themselves, or everything but them. */
  readonly only?: 'package' | 'dependencies' | undefined;
  /** Include installed build dependencies. */
  readonly withBuildDependencies?: boolean | undefined;
}

export interface PlannedPush {
  readonly key: DagHash;
  readonly spec: Spec;
  readonly prefix: string;
  /** The root of the store that has it: this one, or an upstream. */
  readonly root: string;
  readonly sbangPath: string;
  /** Hashes with their prefixes, in the order of the buildinfo. */
  readonly hashToPrefix: ReadonlyMap<string, string>;
  /** Everything to search text files for. */
  readonly prefixes: readonly string[];
}

/**
 * Selects the packages, dependencies first, each once; externals are left out.
 * @throws UsageError `not-installed` with all missing packages in `data.packages`
 */
export function planPush(selection: PushSelection): PlannedPush[] {
  const { specs, store } = selection;
  const selected = new Map<DagHash, Spec>();
  const missing = new Map<DagHash, SpecNode>();
  const roots = new Set(specs.map((spec) => spec.root.hash));
  for (const spec of specs) {
    const required = new Set(installOrder(spec).map((node) => node.hash));
    for (const node of candidates(spec, selection)) {
      if (node.external !== undefined || selected.has(node.hash)) continue;
      const isRoot = roots.has(node.hash);
      if (selection.only === (isRoot ? 'dependencies' : 'package')) continue;
      if (store.isInstalled(node.hash) !== undefined) selected.set(node.hash, subSpec(spec, node));
      else if (required.has(node.hash)) missing.set(node.hash, node);
    }
  }
  if (missing.size > 0) throw notInstalled([...missing.values()]);
  return [...selected.values()].map((spec) => planOne(spec, selection));
}

/** Build dependencies are not part of the installation order: they come after the packages needed at run time. */
function candidates(spec: Spec, { withBuildDependencies }: PushSelection): SpecNode[] {
  const installed = installOrder(spec);
  return withBuildDependencies ? [...new Set([...installed, ...allNodes(spec).reverse()])] : installed;
}

function planOne(spec: Spec, { store, archive }: PushSelection): PlannedPush {
  const { root: node } = spec;
  const upstream = store.isInstalled(node.hash) === 'upstream' ? store.upstreams.find(node.hash) : undefined;
  const root = upstream?.root ?? store.root;
  const sbang = upstream === undefined ? store.sbangPath : sbangPath(unpaddedRoot(upstream.root));
  const withPrefixes = (nodes: readonly SpecNode[]) =>
    nodes.filter((each) => each.external === undefined).map((each) => store.prefixOf(each, spec));
  // Spack 1.x walks otherwise, and looks for no more than it will replace.
  const isSpack1 = archive.classification === 'spack-1';
  const order = hashToPrefixOrder(spec, { order: isSpack1 ? 'breadth-first' : 'depth-first' });
  const searched = isSpack1 ? order : allNodes(spec);
  return {
    key: node.hash,
    spec,
    prefix: store.prefixOf(node, spec),
    root,
    sbangPath: sbang,
    hashToPrefix: new Map(order.map((each) => [each.hash, store.prefixOf(each, spec)])),
    prefixes: [...new Set([...withPrefixes(searched), sbang, root])],
  };
}

function notInstalled(nodes: readonly SpecNode[]): UsageError {
  const packages = nodes.map((node) => describeNode(node));
  const list = packages.map((line) => `\n  ${line}`).join('');
  return new UsageError('not-installed', `Cannot push packages that are not installed:${list}`, {
    hint: 'Install them first, or push without dependencies: --only package',
    data: { packages },
  });
}
