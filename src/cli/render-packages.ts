// Lists of packages for people, in the manner of `spack find`: grouped by architecture and compiler.

import { compilerOf } from '../spec/compiler.js';
import type { DagHash, SpecNode } from '../spec/spec.js';
import { formatVariants } from '../spec/variants.js';
import { formatTable } from './format.js';

export interface PackageLinesOptions {
  readonly long?: boolean | undefined;
  readonly veryLong?: boolean | undefined;
  readonly variants?: boolean | undefined;
  readonly lookup: (hash: DagHash) => SpecNode | undefined;
  /** More text for a package. */
  readonly suffix?: ReadonlyMap<DagHash, string> | undefined;
}

const RULE_WIDTH = 65;

/** The lines of a list; a heading per group. */
export function packageLines(nodes: readonly SpecNode[], options: PackageLinesOptions): string[] {
  const groups = new Map<string, string[][]>();
  for (const node of nodes) {
    const heading = headingOf(node, options);
    groups.set(heading, [...(groups.get(heading) ?? []), rowOf(node, options)]);
  }
  return [...groups].flatMap(([heading, rows]) => [heading.padEnd(RULE_WIDTH, '-'), ...formatTable(rows)]);
}

function headingOf(node: SpecNode, { lookup }: PackageLinesOptions): string {
  const { platform, os, target } = node.arch;
  const compiler = compilerOf(node, { nodes: { get: lookup } });
  return `-- ${platform}-${os}-${target} / ${compiler === undefined ? 'no compiler' : `${compiler.name}@${compiler.version}`} `;
}

function rowOf(node: SpecNode, { long, veryLong, variants, suffix }: PackageLinesOptions): string[] {
  const hash = veryLong ? [node.hash] : long ? [node.hash.slice(0, 7)] : [];
  const text = `${node.name}@${node.version}${variants ? formatVariants(node) : ''}`;
  const more = suffix?.get(node.hash);
  return [...hash, text, ...(more === undefined ? [] : [more])];
}

/** The facts of a package for programs. */
export function nodeAsJson(node: SpecNode) {
  const { name, version, hash, namespace, arch, compiler, parameters } = node;
  return { name, version, hash, namespace, arch, compiler, parameters };
}
