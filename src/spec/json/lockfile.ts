// `spack.lock`: the concrete specs of an environment, lockfile versions 1 to 6 (FORMATS.md §2).

import { MetadataError } from '../../core/errors.js';
import type { DagHash, Spec } from '../spec.js';
import { parseJsonDocument } from './json-document.js';
import { JsonFact } from './json-fact.js';
import { readNode } from './node-json.js';
import { KeyedNodes } from './spec-json.js';

export interface Lockfile {
  readonly version: number;
  /** The roots of the environment, then those of the environments it includes; each once. */
  readonly roots: readonly Spec[];
}

/** The specfile version of the nodes in a lockfile version. */
const NODE_FORMATS: ReadonlyMap<number, number> = new Map([
  [1, 1],
  [2, 1],
  [3, 2],
  [4, 3],
  [5, 4],
  [6, 5],
]);
const NEWEST_LOCKFILE_VERSION = 6;

/**
 * Parses a lockfile.
 *
 * @param bytes - the whole file.
 * @param source - how messages name the file.
 * @throws MetadataError `metadata-syntax`, `metadata-invalid`, `specfile-version-unsupported`.
 */
export function parseLockfile(bytes: Uint8Array, source: string): Lockfile {
  const document = new JsonFact(parseJsonDocument(bytes, source), source);
  const version = document.get('_meta').get('lockfile-version').count();
  const format = NODE_FORMATS.get(version) ?? unsupported(version, source);
  const environments = [...environmentsOf(document)];
  const nodes = new KeyedNodes(source);
  for (const environment of environments) addNodes(nodes, environment.get('concrete_specs'), format);
  const roots = new Map<DagHash, Spec>();
  for (const fact of environments.flatMap((environment) => environment.get('roots').items())) {
    const spec = readRoot(fact.get('hash'), nodes);
    if (!roots.has(spec.root.hash)) roots.set(spec.root.hash, spec);
  }
  return { version, roots: [...roots.values()] };
}

/** The document itself and, with version 6, everything it includes. */
function environmentsOf(document: JsonFact): readonly JsonFact[] {
  const found = [document];
  for (const environment of found) {
    const included = environment.find('include_concrete');
    if (included !== undefined) found.push(...included.entries().map(([, fact]) => fact));
  }
  return found;
}

/** Edges name their nodes by the keys; those are build hashes in versions 2 and 3. Included environments repeat nodes. */
function addNodes(nodes: KeyedNodes, concreteSpecs: JsonFact, format: number): void {
  for (const [key, fact] of concreteSpecs.entries()) {
    if (nodes.get(key) === undefined) nodes.add(key, readNode(fact, format, key), fact);
  }
}

function readRoot(hash: JsonFact, nodes: KeyedNodes): Spec {
  const root = nodes.get(hash.text());
  if (root === undefined) throw hash.invalid('the key of one of "concrete_specs"');
  return nodes.link(root, (edge) => edge.hash);
}

function unsupported(version: number, source: string): never {
  throw new MetadataError(
    'specfile-version-unsupported',
    `Cannot read "${source}": its lockfile version is ${version}, the newest supported one is ${NEWEST_LOCKFILE_VERSION}`,
    {
      hint: 'A newer Spack wrote it: update regraft',
      data: { source, actual: version, supported: NEWEST_LOCKFILE_VERSION },
    },
  );
}
