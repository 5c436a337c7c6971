// The compiler of a node: recorded in the node up to format 4, one of its dependencies since format 5 (FORMATS.md §1).

import { UsageError } from '../core/errors.js';
import type { DependencyEdge, NodeGraph, SpecNode } from './spec.js';

export interface Compiler {
  readonly name: string;
  readonly version: string;
}

/** The languages whose provider counts as "the" compiler, in order of preference. */
const LANGUAGES = ['c', 'cxx', 'fortran'] as const;

/** What compilers are called since they are packages. */
const BUILTIN_NAMES: ReadonlyMap<string, string> = new Map([
  ['clang', 'llvm'],
  ['oneapi', 'intel-oneapi-compilers'],
  ['rocmcc', 'llvm-amdgpu'],
  ['intel', 'intel-oneapi-compilers-classic'],
  ['arm', 'acfl'],
]);

/** The package that a compiler is, by a name of any time. */
export function builtinCompilerName(name: string): string {
  return BUILTIN_NAMES.get(name) ?? name;
}

/** The edge to the compiler of a node that records none itself. */
export function compilerEdgeOf(node: SpecNode): DependencyEdge | undefined {
  for (const language of LANGUAGES) {
    const edge = node.dependencies.find(({ virtuals }) => virtuals.includes(language));
    if (edge !== undefined) return edge;
  }
  return undefined;
}

/**
 * The compiler of a node, or undefined for a package built without one.
 *
 * @param graph - the graph of the node; only nodes of format 5 need it.
 * @throws UsageError `projection` when the compiler is a dependency that the graph does not contain.
 */
export function compilerOf(node: SpecNode, graph: NodeGraph | undefined): Compiler | undefined {
  const edge = node.compiler === undefined ? compilerEdgeOf(node) : undefined;
  if (edge === undefined) return node.compiler;
  const provider = graph?.nodes.get(edge.hash);
  if (provider !== undefined) return { name: provider.name, version: provider.version };
  throw new UsageError(
    'projection',
    `Cannot tell the compiler of "${node.name}": "${edge.name}" is unknown`,
    {
      hint: 'Use the complete specfile of the package',
      data: { name: node.name, hash: node.hash, dependency: edge.hash },
    },
  );
}
