// One-line description of a node for display: `toolgamma@2.1/p44kte6 %gcc@12.2.0 arch=linux-debian12-x86_64`.

import { compilerEdgeOf } from './compiler.js';
import type { NodeGraph, SpecNode } from './spec.js';
import { formatVariants } from './variants.js';

export interface DescribeOptions {
  /** Also print the variants. */
  readonly variants?: boolean;
  /** Number of hash characters to print; 7 by default, 32 for the whole hash. */
  readonly hashLength?: number;
  /** Where to find the compiler of a node of format 5. */
  readonly graph?: NodeGraph;
}

const SHORT_HASH_LENGTH = 7;

/** Describes a node in one line; the line can be parsed again as a spec. */
export function describeNode(node: SpecNode, options: DescribeOptions = {}): string {
  const { platform, os, target } = node.arch;
  const version = node.version === '' ? '' : `@${node.version}`;
  const hash = node.hash.slice(0, options.hashLength ?? SHORT_HASH_LENGTH);
  const parts = [
    `${node.name}${version}/${hash}`,
    describeCompiler(node, options.graph),
    options.variants === true ? formatVariants(node).trim() : '',
    `arch=${platform}-${os}-${target}`,
  ];
  return parts.filter((part) => part !== '').join(' ');
}

function describeCompiler(node: SpecNode, graph: NodeGraph | undefined): string {
  if (node.compiler !== undefined) return `%${node.compiler.name}@${node.compiler.version}`;
  const edge = compilerEdgeOf(node);
  if (edge === undefined) return '';
  const provider = graph?.nodes.get(edge.hash);
  return provider === undefined ? `%${edge.name}` : `%${provider.name}@${provider.version}`;
}
