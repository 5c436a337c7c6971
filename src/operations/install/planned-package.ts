// Which packages an installation has to look at, in which order, and how large they are.
import { UsageError } from '../../core/errors.js';
import { specFromRecords } from '../../spec/json/spec-json.js';
import type { DagHash, Spec, SpecNode } from '../../spec/spec.js';
import { buildSpecOf } from '../../spec/splice.js';
import { installOrder } from '../../spec/traverse.js';
import type { InstallRequest } from './install-request.js';

export interface PlannedPackage {
  readonly key: DagHash;
  readonly spec: Spec;
  readonly prefix: string;
  readonly explicit: boolean;
  readonly dependencies: readonly DagHash[];
}

/** What has to be looked at, in installation order, each package once. */
export function planPackages(request: InstallRequest): PlannedPackage[] {
  const { specs, store, only, sha256 } = request;
  if (sha256 !== undefined && specs.length !== 1) {
    throw new UsageError('usage', `Cannot check one sha256 for ${specs.length} specs`, {
      hint: 'Name exactly one spec with --sha256',
    });
  }
  const roots = new Set(specs.map((spec) => spec.root.hash));
  const planned = new Map<DagHash, PlannedPackage>();
  for (const spec of specs) {
    for (const node of installOrder(spec)) {
      if (node.external !== undefined || planned.has(node.hash)) continue;
      if (only === 'package' && !roots.has(node.hash)) continue;
      if (only === 'dependencies' && roots.has(node.hash)) continue;
      requirePlatform(node, request);
      const explicit = roots.has(node.hash) && !request.implicit;
      const prefix = store.ownPrefixOf(node, spec);
      const dependencies = neededBy(node).filter((hash) => planned.has(hash));
      planned.set(node.hash, {
        key: node.hash,
        spec: specFromRecords(node.hash, (hash) => spec.nodes.get(hash), node.name),
        prefix,
        explicit,
        dependencies,
      });
    }
  }
  return [...planned.values()];
}

function neededBy(node: SpecNode): DagHash[] {
  return node.dependencies
    .filter(({ types }) => types.includes('link') || types.includes('run'))
    .map(({ hash }) => hash);
}

const PLATFORMS: Readonly<Record<string, string>> = {
  linux: 'linux',
  cray: 'linux',
  darwin: 'darwin',
  windows: 'win32',
  freebsd: 'freebsd',
};

function requirePlatform(node: SpecNode, { anyPlatform }: InstallRequest): void {
  const { platform } = node.arch;
  if (anyPlatform || PLATFORMS[platform] === process.platform) return;
  throw new UsageError(
    'not-relocatable-platform',
    `Cannot install "${node.name}/${node.hash.slice(0, 7)}": it is for "${platform}", this is "${process.platform}"`,
    {
      hint: 'Choose a package for this platform, or install it anyway with "--any-platform"',
      data: { package: node.name, hash: node.hash, platform },
    },
  );
}

/** Compressed bytes of what is not installed yet, as far as the mirrors know without being asked. */
export function compressedSizes(
  { store, catalog, mirrors, force }: InstallRequest,
  packages: readonly PlannedPackage[],
) {
  const sizes = new Map<DagHash, number>();
  for (const { key, spec } of packages) {
    if (!force && store.isInstalled(key) !== undefined) continue;
    const stored = buildSpecOf(spec) ?? spec;
    const [mirror] = catalog.find(stored.root.hash)?.mirrors ?? mirrors;
    const size = mirror?.cache.sizeHint?.(stored);
    if (size !== undefined) sizes.set(key, size);
  }
  return sizes;
}
