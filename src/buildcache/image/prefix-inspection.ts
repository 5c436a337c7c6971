// The environment variables that an image of packages sets (Spack `environment_modifications_for_specs`): search paths for the folders that
// their prefixes have. What recipes add on top (`setup_run_environment`) only Spack knows.
import { posix } from 'node:path';
import type { DagHash, Spec, SpecNode } from '../../spec/spec.js';
import { type TopologicalOrder, topologicalEdges, topologicalNodes } from '../../spec/topological-order.js';

/** The folders of a prefix that variables are made of. */
export interface PrefixInspection {
  /** Absolute. */
  readonly prefix: string;
  /** Those of `INSPECTED_FOLDERS` that it has. */
  readonly folders: readonly string[];
}

/** Spack's `prefix_inspections`, in their order; the prefix itself is always there. */
const INSPECTIONS: readonly (readonly [folder: string, variable: string])[] = [
  ['bin', 'PATH'],
  ['man', 'MANPATH'],
  ['share/man', 'MANPATH'],
  ['share/aclocal', 'ACLOCAL_PATH'],
  ['lib/pkgconfig', 'PKG_CONFIG_PATH'],
  ['lib64/pkgconfig', 'PKG_CONFIG_PATH'],
  ['share/pkgconfig', 'PKG_CONFIG_PATH'],
  ['', 'CMAKE_PREFIX_PATH'],
];
/** Where the programs of packages that are run lie. */
const PROGRAMS = ['bin', 'bin64'];
const DEFAULT_PATH = '/bin:/usr/bin';

/** Whatever is looked for in a prefix. */
export const INSPECTED_FOLDERS: readonly string[] = [
  ...new Set([...INSPECTIONS.map(([folder]) => folder), ...PROGRAMS]),
].filter((folder) => folder !== '');

const SYSTEM_PREFIXES = ['/', '/usr', '/usr/local'];
const SYSTEM_FOLDERS = new Set([
  ...SYSTEM_PREFIXES,
  ...SYSTEM_PREFIXES.flatMap((prefix) =>
    ['bin', 'bin64', 'include', 'lib', 'lib64'].map((folder) => posix.join(prefix, folder)),
  ),
]);

export interface EnvironmentRequest {
  /** The packages that the image is of. */
  readonly specs: readonly Spec[];
  readonly order: TopologicalOrder;
  /** Undefined where nobody knows the prefix. */
  readonly inspect: (node: SpecNode) => PrefixInspection | undefined;
  /** `name=value`, as the base image has them. */
  readonly base: readonly string[];
}

/** The `Env` of an image. Errors as `topologicalEdges`. */
export function imageEnvironment({ specs, order, inspect, base }: EnvironmentRequest): string[] {
  const variables = new Map([['PATH', DEFAULT_PATH]]);
  for (const entry of base) {
    const [name = ''] = entry.split('=', 1);
    variables.set(name, entry.slice(name.length + 1));
  }
  const added = new Map<string, string[]>();
  const prepend = (variable: string, path: string) => {
    if (SYSTEM_FOLDERS.has(path)) return;
    const paths = added.get(variable) ?? [];
    added.set(variable, [path, ...paths]);
  };
  for (const node of topologicalNodes(specs, order).reverse()) addFolders(inspect(node), prepend);
  for (const node of runNodes(specs, order)) addPrograms(inspect(node), prepend);
  for (const name of [...added.keys()].sort()) {
    const before = variables.get(name) ?? '';
    variables.set(name, [...(added.get(name) ?? []), ...(before === '' ? [] : [before])].join(':'));
  }
  return [...variables].map(([name, value]) => `${name}=${value}`);
}

type Prepend = (variable: string, path: string) => void;

function addFolders(inspection: PrefixInspection | undefined, prepend: Prepend): void {
  if (inspection === undefined) return;
  for (const [folder, variable] of INSPECTIONS)
    if (folder === '' || inspection.folders.includes(folder))
      prepend(variable, posix.join(inspection.prefix, folder));
}

function addPrograms(inspection: PrefixInspection | undefined, prepend: Prepend): void {
  if (inspection === undefined || SYSTEM_FOLDERS.has(inspection.prefix)) return;
  for (const folder of PROGRAMS)
    if (inspection.folders.includes(folder)) prepend('PATH', posix.join(inspection.prefix, folder));
}

/**
 * What the user of the image, or another package in it, runs: from the leaves to the roots, externals before the others. Nodes with
 * dependencies come in the order in which these are met, the others after them (Spack `effective_deptypes`).
 */
function runNodes(specs: readonly Spec[], order: TopologicalOrder): SpecNode[] {
  const parents = new Map<DagHash, SpecNode>();
  const met = new Map<DagHash, SpecNode>();
  const run = new Set<DagHash>();
  for (const { parent, child, isRun } of topologicalEdges(specs, order)) {
    if (parent !== undefined) parents.set(parent.hash, parent);
    met.set(child.hash, child);
    if (isRun) run.add(child.hash);
  }
  const leaves = [...met.values()].filter(({ hash }) => !parents.has(hash));
  const ordered = [...parents.values(), ...leaves].filter(({ hash }) => run.has(hash)).reverse();
  return [
    ...ordered.filter(({ external }) => external !== undefined),
    ...ordered.filter(({ external }) => external === undefined),
  ];
}

/**
 * Finds out from the `Env` of its image what a package that is not installed here has: its prefix comes first of all.
 * @returns undefined where the variables do not say it
 */
export function inspectionOf(environment: readonly string[]): PrefixInspection | undefined {
  const paths = environment.flatMap((entry) => entry.slice(entry.indexOf('=') + 1).split(':'));
  const cmake = environment.find((entry) => entry.startsWith('CMAKE_PREFIX_PATH='));
  const prefix = cmake?.slice('CMAKE_PREFIX_PATH='.length).split(':')[0];
  if (prefix === undefined || prefix === '') return undefined;
  return { prefix, folders: INSPECTED_FOLDERS.filter((folder) => paths.includes(`${prefix}/${folder}`)) };
}
