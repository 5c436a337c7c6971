// What a spec must be to fit: Spack's spec syntax, applied to concrete specs (Spack's documentation, "Specs & dependencies").
// `spec-syntax.ts` reads the text; the rules here are those of `Spec.satisfies` in the reference.

import { compilerEdgeOf } from '../compiler.js';
import type { DagHash, DependencyType, NodeGraph, SpecNode } from '../spec.js';
import { flagsOf, type VariantValue, variantOf } from '../variants.js';
import { isVersionIn, parseVersion, type VersionRange } from '../version.js';
import { isTargetIn } from './microarchitecture.js';

/** What one node must be; everything that is absent or empty fits every node. */
export interface NodeConstraint {
  readonly name: string | undefined;
  readonly namespace: string | undefined;
  readonly versions: readonly VersionRange[];
  readonly compilers: readonly CompilerConstraint[];
  readonly variants: ReadonlyMap<string, VariantConstraint>;
  readonly flags: ReadonlyMap<string, string>;
  readonly platform: string | undefined;
  readonly os: string | undefined;
  readonly target: string | undefined;
  /** The beginning of the hash. */
  readonly hash: string | undefined;
}

export interface CompilerConstraint {
  readonly name: string;
  readonly versions: readonly VersionRange[];
}

/** On or off, or a list of values that must all be there. */
export type VariantConstraint = boolean | readonly string[];

export interface DependencyConstraint {
  readonly node: NodeConstraint;
  /** The virtuals that the dependency must provide. */
  readonly virtuals: readonly string[];
}

export interface Constraint extends NodeConstraint {
  readonly dependencies: readonly DependencyConstraint[];
}

/**
 * Says whether a node of a graph fits a constraint.
 *
 * @param node - any node of the graph; its dependencies are looked for below it.
 * @param graph - answers its dependencies; what it does not know fits nothing.
 */
export function satisfies(node: SpecNode, graph: NodeGraph | undefined, constraint: Constraint): boolean {
  if (!fitsNode(node, graph, constraint)) return false;
  if (constraint.dependencies.length === 0) return true;
  const below = new NodesBelow(node, graph);
  return constraint.dependencies.every((dependency) => fitsDependency(below, dependency));
}

function fitsNode(node: SpecNode, graph: NodeGraph | undefined, wanted: NodeConstraint): boolean {
  return (
    (wanted.name === undefined || wanted.name === node.name) &&
    (wanted.namespace === undefined || node.namespace === undefined || wanted.namespace === node.namespace) &&
    (wanted.hash === undefined || node.hash.startsWith(wanted.hash)) &&
    fitsVersions(node.version, wanted.versions) &&
    fitsArchitecture(node, wanted) &&
    [...wanted.variants].every(([name, value]) => fitsVariant(name, variantOf(node, name), value)) &&
    [...wanted.flags].every(([name, value]) => flagsOf(node, name).join(' ') === value) &&
    wanted.compilers.every((compiler) => fitsCompiler(node, graph, compiler))
  );
}

function fitsVersions(version: string, ranges: readonly VersionRange[]): boolean {
  return ranges.length === 0 || isVersionIn(parseVersion(version), ranges);
}

function fitsArchitecture({ arch }: SpecNode, wanted: NodeConstraint): boolean {
  return (
    (wanted.platform === undefined || wanted.platform === arch.platform) &&
    (wanted.os === undefined || wanted.os === arch.os) &&
    (wanted.target === undefined || isTargetIn(arch.target, wanted.target))
  );
}

/** Since format 5 a compiler is a direct dependency like any other, and `%` asks for one. */
function fitsCompiler(node: SpecNode, graph: NodeGraph | undefined, wanted: CompilerConstraint): boolean {
  const edge = compilerEdgeOf(node);
  const compiler = node.compiler ?? (edge && graph?.nodes.get(edge.hash));
  if (compiler?.name === wanted.name && fitsVersions(compiler.version, wanted.versions)) return true;
  if (node.formatVersion < 5) return false;
  return node.dependencies.some((edge) => {
    const child = graph?.nodes.get(edge.hash);
    return child?.name === wanted.name && fitsVersions(child.version, wanted.versions);
  });
}

function fitsVariant(name: string, value: VariantValue | undefined, wanted: VariantConstraint): boolean {
  if (value === undefined) return false;
  if (typeof wanted === 'boolean') return value === wanted;
  if (wanted.includes('*')) return true;
  if (typeof value === 'boolean') return false;
  if (typeof value === 'string') return value === '*' || (wanted.length === 1 && wanted[0] === value);
  if (value.includes('*')) return true;
  if (name === 'patches') return wanted.every((start) => value.some((sha256) => sha256.startsWith(start)));
  return wanted.every((item) => value.includes(item));
}

function fitsDependency(below: NodesBelow, { node: wanted, virtuals }: DependencyConstraint): boolean {
  const provided = virtuals.every((virtual) => below.provides(virtual, wanted.name));
  return provided && (below.hasNode(wanted) || below.providesVirtual(wanted));
}

/** What can be reached from a node: all of it, and the edges that count for virtuals. */
class NodesBelow {
  readonly #graph: NodeGraph | undefined;
  readonly #nodes: readonly SpecNode[];
  readonly #providers = new Map<string, Set<string>>();

  constructor(start: SpecNode, graph: NodeGraph | undefined) {
    this.#graph = graph;
    this.#nodes = reach(start, graph, () => true).slice(1);
    const linked = reach(start, graph, (types) => types.includes('link') || types.includes('run'));
    for (const node of linked) this.#addProviders(node, ['link', 'run']);
    this.#addProviders(start, ['build']);
  }

  hasNode(wanted: NodeConstraint): boolean {
    return this.#nodes.some((node) => fitsNode(node, this.#graph, wanted));
  }

  provides(virtual: string, name: string | undefined): boolean {
    const names = this.#providers.get(virtual);
    return names !== undefined && (name === undefined || names.has(name));
  }

  /** `^mpi`: which versions of a virtual a package provides stands only in its recipe, so nothing but its name can be asked. */
  providesVirtual(wanted: NodeConstraint): boolean {
    const asksOnlyName =
      wanted.versions.length === 0 && wanted.variants.size === 0 && wanted.compilers.length === 0;
    return wanted.name !== undefined && asksOnlyName && this.provides(wanted.name, undefined);
  }

  #addProviders(node: SpecNode, types: readonly DependencyType[]): void {
    for (const edge of node.dependencies) {
      if (!edge.types.some((type) => types.includes(type))) continue;
      for (const virtual of edge.virtuals) {
        const names = this.#providers.get(virtual) ?? new Set();
        this.#providers.set(virtual, names.add(edge.name));
      }
    }
  }
}

function reach(
  start: SpecNode,
  graph: NodeGraph | undefined,
  follows: (types: readonly DependencyType[]) => boolean,
): SpecNode[] {
  const found = [start];
  const seen = new Set<DagHash>([start.hash]);
  for (const node of found) {
    for (const edge of node.dependencies) {
      const child = graph?.nodes.get(edge.hash);
      if (child === undefined || seen.has(edge.hash) || !follows(edge.types)) continue;
      seen.add(edge.hash);
      found.push(child);
    }
  }
  return found;
}
