// A node in one line, for people: `toolgamma@2.1/p44kte6 %gcc@12.2.0 arch=linux-debian12-x86_64`.

import { compilerEdgeOf } from './compiler.js';
import type { NodeGraph, SpecNode } from './spec.js';
import { formatVariants } from './variants.js';

export interface DescribeOptions {
  /** Print the variants too. */
  readonly variants?: boolean;
  /** How much of the hash to print; 7 unless told, 32 for all of it. */
  readonly hashLength?: number;
  /** Where the compiler of a node of format 5 is found. */
  readonly graph?: NodeGraph;
}

const SHORT_HASH_LENGTH = 7;

/** Describes a node in one line; the line can be given back as a spec. */
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
