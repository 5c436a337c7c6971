// What a spec must be to fit: Spack's spec syntax, applied to concrete specs (Spack's documentation, "Spec Syntax").
// `spec-syntax.ts` reads the text; the rules here are those of `Spec.satisfies`: of Spack 1.1 for nodes of format 5, of the reference
// before 1.0 for older ones.

import { builtinCompilerName } from '../compiler.js';
import type { DependencyEdge, DependencyType, NodeGraph, SpecNode } from '../spec.js';
import { isVersionIn, parseVersion, type VersionRange } from '../version.js';
import { type Dependency, DependencySearch } from './dependency-search.js';
import { isTargetIn } from './microarchitecture.js';
import {
  allowsVariant,
  FORMAT_OF_SPACK_1,
  hasFlags,
  hasVariant,
  type VariantConstraint,
} from './variant-constraint.js';

export type { VariantConstraint } from './variant-constraint.js';

/** Constraint on one node; absent or empty parts match every node. */
export interface NodeConstraint {
  readonly name: string | undefined;
  readonly namespace: string | undefined;
  readonly versions: readonly VersionRange[];
  /** `%`: direct dependencies; of a node older than Spack 1.0 it means the compiler. */
  readonly direct: readonly DependencyConstraint[];
  readonly variants: ReadonlyMap<string, VariantConstraint>;
  readonly flags: ReadonlyMap<string, readonly string[]>;
  readonly platform: string | undefined;
  readonly os: string | undefined;
  readonly target: string | undefined;
  /** The beginning of the hash. */
  readonly hash: string | undefined;
}

export interface DependencyConstraint {
  readonly node: NodeConstraint;
  /** Virtuals that the dependency must provide. */
  readonly virtuals: readonly string[];
  /** Types that the edge must have all; they count for direct dependencies only, as in Spack. */
  readonly types: readonly DependencyType[];
  /** Nothing is asked of what does not fit this. */
  readonly when: Constraint | undefined;
}

export interface Constraint extends NodeConstraint {
  readonly dependencies: readonly DependencyConstraint[];
}

/**
 * Tells whether a node of a graph satisfies a constraint.
 *
 * @param node - any node of the graph; its dependencies are looked up in the graph.
 * @param graph - finds its dependencies; an unknown one matches nothing.
 */
export function satisfies(node: SpecNode, graph: NodeGraph | undefined, constraint: Constraint): boolean {
  return new Judge(graph).fits(node, constraint);
}

class Judge {
  readonly #graph: NodeGraph | undefined;

  constructor(graph: NodeGraph | undefined) {
    this.#graph = graph;
  }

  fits(node: SpecNode, constraint: Constraint): boolean {
    const search = new DependencySearch(node, this.#graph);
    if (!this.#fitsNode(node, constraint, search)) return false;
    return constraint.dependencies.every(
      (wanted) => !this.#applies(node, wanted) || this.#hasDependency(search, wanted),
    );
  }

  #fitsNode(
    node: SpecNode,
    wanted: NodeConstraint,
    search = new DependencySearch(node, this.#graph),
  ): boolean {
    return (
      fitsName(node, wanted) &&
      (wanted.hash === undefined || node.hash.startsWith(wanted.hash)) &&
      fitsVersions(node.version, wanted.versions) &&
      this.#fitsProperties(node, wanted, search) &&
      wanted.direct.every((direct) => !this.#applies(node, direct) || this.#hasDirect(node, search, direct))
    );
  }

  /** Architecture, variants and flags. */
  #fitsProperties(node: SpecNode, wanted: NodeConstraint, search: DependencySearch): boolean {
    return (
      fitsArchitecture(node, wanted) &&
      [...wanted.flags].every(([name, flags]) => hasFlags(node, name, flags)) &&
      [...wanted.variants].every(([name, value]) =>
        value.isPropagated && node.formatVersion >= FORMAT_OF_SPACK_1
          ? search.everything().every((each) => allowsVariant(each, name, value))
          : hasVariant(node, name, value),
      )
    );
  }

  /** Whether something that is asked only of some nodes is asked of this one. */
  #applies(node: SpecNode, { when }: DependencyConstraint): boolean {
    return when === undefined || this.fits(node, when);
  }

  #hasDirect(node: SpecNode, search: DependencySearch, wanted: DependencyConstraint): boolean {
    if (node.compiler !== undefined || node.formatVersion < FORMAT_OF_SPACK_1)
      return this.#hasCompiler(node, search, wanted.node);
    const { virtuals, types } = wanted;
    return search
      .direct()
      .filter(({ edge }) => virtuals.every((virtual) => edge.virtuals.includes(virtual)))
      .filter(({ edge }) => types.every((type) => edge.types.includes(type)))
      .some((dependency) => this.#isDependency(dependency, wanted.node));
  }

  /**
   * A node older than Spack 1.0 knows the name and the version of its compiler. Its Spack took what follows a compiler for properties of
   * the node; for 1.x, which wrote nodes of format 5 anew, the compiler has none.
   */
  #hasCompiler(node: SpecNode, search: DependencySearch, wanted: NodeConstraint): boolean {
    const { compiler } = node;
    if (compiler === undefined || wanted.hash !== undefined || wanted.direct.length > 0) return false;
    const isNamed =
      wanted.name === undefined || builtinCompilerName(wanted.name) === builtinCompilerName(compiler.name);
    if (!isNamed || !fitsVersions(compiler.version, wanted.versions)) return false;
    if (node.formatVersion < FORMAT_OF_SPACK_1) return this.#fitsProperties(node, wanted, search);
    return asksNoProperties(wanted);
  }

  /** `^`: somewhere below; the virtuals may be provided on any of the edges to packages of that name. */
  #hasDependency(search: DependencySearch, { node: wanted, virtuals }: DependencyConstraint): boolean {
    const named = search.below().filter(({ node, edge }) => isCalled(wanted, node, edge));
    if (!virtuals.every((virtual) => named.some(({ edge }) => edge.virtuals.includes(virtual)))) return false;
    if (named.some(({ edge }) => isVirtual(wanted, edge))) return true;
    const isOld = search.start.formatVersion < FORMAT_OF_SPACK_1;
    const candidates = isOld ? search.everythingBelow() : named.map(({ node }) => node);
    return candidates.some((node) => this.#fitsNode(node, wanted));
  }

  #isDependency({ node, edge }: Dependency, wanted: NodeConstraint): boolean {
    if (isVirtual(wanted, edge) || this.#fitsNode(node, wanted)) return true;
    const name = wanted.name === undefined ? undefined : builtinCompilerName(wanted.name);
    return name !== wanted.name && this.#fitsNode(node, { ...wanted, name });
  }
}

function isCalled({ name }: NodeConstraint, node: SpecNode, edge: DependencyEdge): boolean {
  return name === undefined || node.name === name || edge.virtuals.includes(name);
}

/** `^mpi`: which versions of a virtual a package provides stands only in its recipe, so nothing but its name can be asked. */
function isVirtual(wanted: NodeConstraint, { virtuals }: DependencyEdge): boolean {
  const { name, versions, direct, hash } = wanted;
  const isNamed = name !== undefined && virtuals.includes(name);
  return (
    isNamed && versions.length === 0 && direct.length === 0 && hash === undefined && asksNoProperties(wanted)
  );
}

function asksNoProperties({ platform, os, target, variants, flags }: NodeConstraint): boolean {
  const asksArchitecture = platform !== undefined || os !== undefined || target !== undefined;
  return !asksArchitecture && variants.size === 0 && flags.size === 0;
}

function fitsName(node: SpecNode, { name, namespace }: NodeConstraint): boolean {
  if (name !== undefined && name !== node.name) return false;
  return namespace === undefined || node.namespace === undefined || namespace === node.namespace;
}

function fitsVersions(version: string, ranges: readonly VersionRange[]): boolean {
  return ranges.length === 0 || isVersionIn(parseVersion(version), ranges);
}

function fitsArchitecture({ arch }: SpecNode, { platform, os, target }: NodeConstraint): boolean {
  return (
    (platform === undefined || platform === '*' || platform === arch.platform) &&
    (os === undefined || os === '*' || os === arch.os) &&
    (target === undefined || isTargetIn(arch.target, target, arch.targetParents))
  );
}
