// How a person names a package: a hash or its beginning, a spec in Spack's syntax, or a file that holds specs (DESIGN.md §6).

import { UsageError } from '../../core/errors.js';
import { isHashPrefix } from '../dag-hash.js';
import { describeNode } from '../describe.js';
import type { DagHash, NodeGraph, SpecNode } from '../spec.js';
import { type Constraint, satisfies } from './constraint.js';
import { parseConstraint } from './spec-syntax.js';

export type SpecQuery =
  | { readonly type: 'constraint'; readonly text: string; readonly constraint: Constraint }
  | {
      readonly type: 'file';
      readonly text: string;
      readonly path: string;
      readonly format: 'specfile' | 'lockfile';
    };

const SPECFILE = /\.spec\.json(?:\.sig)?$|^(?:\.|\/|.*\/).*\.json(?:\.sig)?$/;
const LOCKFILE = /(?:^|\/)spack\.lock$|\/.*\.lock$/;
const HASH_LENGTH = 32;
/** More than these nobody reads in an error; `data.candidates` has all. */
const SHOWN_CANDIDATES = 10;

/**
 * Reads what was named. Files are only recognised, not read.
 *
 * @param text - `/hash`, `name@version`, any other spec, `x.spec.json`, `spack.lock`.
 * @throws UsageError `spec-syntax`.
 */
export function parseSpecQuery(text: string): SpecQuery {
  const trimmed = text.trim();
  if (LOCKFILE.test(trimmed)) return { type: 'file', text, path: trimmed, format: 'lockfile' };
  if (SPECFILE.test(trimmed)) return { type: 'file', text, path: trimmed, format: 'specfile' };
  if (trimmed === '')
    throw new UsageError('spec-syntax', 'Cannot parse the spec: it is empty', { data: { text } });
  const constraint = parseConstraint(trimmed);
  if (constraint.hash !== undefined) requireHash(constraint.hash, text);
  return { type: 'constraint', text, constraint };
}

/** The complete hash that a query names, with which a package can be looked up without a list of candidates. */
export function completeHashOf(query: SpecQuery): DagHash | undefined {
  const hash = query.type === 'constraint' ? query.constraint.hash : undefined;
  return hash?.length === HASH_LENGTH ? (hash as DagHash) : undefined;
}

/**
 * The candidates that fit a query, in their order.
 *
 * @param query - of type `constraint`.
 * @param candidates - the nodes of an index or a database.
 * @param lookup - answers dependencies, for `^dependency` and for compilers of nodes of format 5.
 */
export function matchQuery(
  query: SpecQuery,
  candidates: Iterable<SpecNode>,
  lookup?: (hash: DagHash) => SpecNode | undefined,
): SpecNode[] {
  if (query.type === 'file')
    throw new TypeError(`"${query.path}" is a file: read it in place of matching it`);
  const graph: NodeGraph | undefined = lookup && { nodes: { get: lookup } };
  const found: SpecNode[] = [];
  for (const node of candidates) if (satisfies(node, graph, query.constraint)) found.push(node);
  return found;
}

/**
 * The one package that was meant.
 *
 * @param query - what was asked for.
 * @param matches - what fits it; several nodes with one hash are one package.
 * @param graph - where the error finds the compilers of nodes of format 5.
 * @throws UsageError `spec-not-found`, or `spec-ambiguous` with `data.candidates`.
 */
export function requireOneMatch(query: SpecQuery, matches: readonly SpecNode[], graph?: NodeGraph): SpecNode {
  const [only, ...more] = new Map(matches.map((node) => [node.hash, node])).values();
  if (only === undefined) throw notFound(query);
  if (more.length === 0) return only;
  throw ambiguous(query, [only, ...more], graph);
}

/** The error that nothing fits a query. */
export function notFound(query: SpecQuery): UsageError {
  return new UsageError('spec-not-found', `Cannot find "${query.text}": no package matches`, {
    hint: 'List the packages with "regraft list"',
    data: { spec: query.text },
  });
}

function ambiguous(query: SpecQuery, matches: readonly SpecNode[], graph: NodeGraph | undefined): UsageError {
  const candidates = matches.map((node) => describeNode(node, graph === undefined ? {} : { graph }));
  const shown = candidates.slice(0, SHOWN_CANDIDATES);
  const rest = candidates.length - shown.length;
  const list = [...shown, ...(rest > 0 ? [`and ${rest} more`] : [])].map((line) => `\n  ${line}`).join('');
  return new UsageError(
    'spec-ambiguous',
    `Cannot choose a package for "${query.text}": ${matches.length} match${list}`,
    { hint: 'Name one by its hash: /HASH', data: { spec: query.text, candidates } },
  );
}

function requireHash(hash: string, text: string): void {
  if (isHashPrefix(hash)) return;
  throw new UsageError(
    'spec-syntax',
    `Cannot parse the spec "${text}": "${hash}" is not the beginning of a hash`,
    {
      hint: 'A hash has up to 32 characters out of a-z and 2-7',
      data: { text, hash },
    },
  );
}
