// Lists of packages in the style of `spack find`: grouped by architecture and compiler.

import { BuildcacheError } from '../../core/errors.js';
import { type Compiler, compilerOf } from '../../spec/compiler.js';
import type { DagHash, SpecNode } from '../../spec/spec.js';
import { formatVariants } from '../../spec/variants.js';
import { formatTable } from './format.js';

export interface PackageLinesOptions {
  readonly long?: boolean | undefined;
  readonly veryLong?: boolean | undefined;
  readonly variants?: boolean | undefined;
  readonly lookup: (hash: DagHash) => SpecNode | undefined;
  /** Text appended to a package's line. */
  readonly suffix?: ReadonlyMap<DagHash, string> | undefined;
}

const RULE_WIDTH = 65;

/** The lines of a list: a heading per group, and an empty line between groups. */
export function packageLines(nodes: Iterable<SpecNode>, options: PackageLinesOptions): string[] {
  const groups = new Map<string, string[][]>();
  for (const node of nodes) {
    const heading = headingOf(node, options);
    const group = groups.get(heading);
    if (group === undefined) groups.set(heading, [rowOf(node, options)]);
    else group.push(rowOf(node, options));
  }
  return [...groups].flatMap(([heading, rows], i) => [
    ...(i === 0 ? [] : ['']),
    heading.padEnd(RULE_WIDTH, '-'),
    ...formatTable(rows),
  ]);
}

function headingOf(node: SpecNode, { lookup }: PackageLinesOptions): string {
  const { platform, os, target } = node.arch;
  const compiler = knownCompiler(node, lookup);
  return `-- ${platform}-${os}-${target} / ${compiler === undefined ? 'no compiler' : `${compiler.name}@${compiler.version}`} `;
}

/** Undefined where an index lacks the compiler's record; the package is still listed. */
function knownCompiler(node: SpecNode, lookup: PackageLinesOptions['lookup']): Compiler | undefined {
  try {
    return compilerOf(node, { nodes: { get: lookup } });
  } catch (error) {
    if (error instanceof BuildcacheError) return undefined;
    throw error;
  }
}

/** As Spack does it: one space after the hash, which has the same length in every row. */
function rowOf(node: SpecNode, { long, veryLong, variants, suffix }: PackageLinesOptions): string[] {
  const hash = veryLong ? `${node.hash} ` : long ? `${node.hash.slice(0, 7)} ` : '';
  const text = `${hash}${node.name}@${node.version}${variants ? formatVariants(node) : ''}`;
  const more = suffix?.get(node.hash);
  return [text, ...(more === undefined ? [] : [more])];
}

/** The facts of a package as JSON. */
export function nodeAsJson(node: SpecNode) {
  const { name, version, hash, namespace, arch, compiler, parameters } = node;
  return { name, version, hash, namespace, arch, compiler, parameters };
}
