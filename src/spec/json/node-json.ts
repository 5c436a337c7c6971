// One node of a specfile, an index, a database or a lockfile, in the format of any specfile version from 1 to 5 (FORMATS.md §2).

import { MetadataError } from '../../core/errors.js';
import { isDagHash } from '../dag-hash.js';
import type {
  Architecture,
  DagHash,
  DependencyEdge,
  DependencyType,
  JsonObject,
  JsonValue,
  SpecNode,
} from '../spec.js';
import { JsonFact } from './json-fact.js';

/** The newest supported specfile version. */
const NEWEST_SPECFILE_VERSION = 5;

/** The names of a node's hash over time; a dependency is keyed by the first one that it has. */
export const HASH_KEYS = ['hash', 'full_hash', 'build_hash'] as const;
export type HashKey = (typeof HASH_KEYS)[number];

const DEPENDENCY_TYPES: readonly string[] = ['build', 'link', 'run', 'test'] satisfies DependencyType[];
const NODE_NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/;

export interface ParseNodeOptions {
  /** How messages name the file. */
  readonly source?: string;
  /** How messages name the place in the file. */
  readonly path?: string;
  /** The hash of a node that does not contain it (lockfiles of version 1). */
  readonly hash?: string;
}

/**
 * Reads one node. Edges of versions 1 and 2 may have another of the old hashes instead of the dag hash:
 * `parseSpecDictionary` and `parseLockfile` resolve them.
 *
 * @param json - the node; in version 1 an object with the package's name as its only key.
 * @param version - the specfile version of the file that holds it.
 * @throws MetadataError `metadata-invalid` naming the fact, `specfile-version-unsupported`.
 */
export function parseNode(json: JsonValue, version: number, options: ParseNodeOptions = {}): SpecNode {
  return readNode(
    new JsonFact(json, options.source ?? 'spec', options.path ?? 'spec'),
    version,
    options.hash,
  );
}

/** As `parseNode`, for a value in a document. */
export function readNode(fact: JsonFact, version: number, fallbackHash?: string): SpecNode {
  requireKnownVersion(version, fact.source);
  fact.requireShallow();
  const [nameFact, body] = version === 1 ? readNamedBody(fact) : [fact.get('name'), fact];
  const name = readName(nameFact);
  if (body.find('concrete')?.value === false)
    throw body.get('concrete').invalid('absent: the spec is abstract');
  const hash = readHash(body, fallbackHash);
  return {
    name,
    version: readVersion(body),
    hash,
    namespace: body.find('namespace')?.textOrNull(),
    arch: readArchitecture(body.get('arch')),
    compiler: readCompiler(body),
    parameters: readParameters(body),
    external: readExternal(body.find('external')),
    dependencies: readDependencies(body, version),
    buildSpec: readBuildSpec(body.find('build_spec')),
    formatVersion: version,
    raw: withHash(fact, body, hash),
  };
}

/** Rejects unknown specfile versions. */
export function requireKnownVersion(version: number, source: string): void {
  if (Number.isInteger(version) && version >= 1 && version <= NEWEST_SPECFILE_VERSION) return;
  throw new MetadataError(
    'specfile-version-unsupported',
    `Cannot read "${source}": its specfile version is ${version}, the newest supported one is ${NEWEST_SPECFILE_VERSION}`,
    {
      hint: 'A newer Spack wrote it: update regraft',
      data: { source, actual: version, supported: NEWEST_SPECFILE_VERSION },
    },
  );
}

/** The key by which an edge of versions 1 and 2 refers to its node. */
export function hashKeyOf(edge: JsonFact): HashKey {
  const object = edge.object();
  const key = HASH_KEYS.find((candidate) => Object.hasOwn(object, candidate));
  if (key === undefined) throw edge.invalid('an object with a hash');
  return key;
}

function readNamedBody(fact: JsonFact): [JsonFact, JsonFact] {
  const [entry, ...more] = fact.entries();
  if (entry === undefined || more.length > 0)
    throw fact.invalid('an object with one key, the name of the package');
  const [name, body] = entry;
  return [new JsonFact(name, fact.source, fact.path), body];
}

function readName(fact: JsonFact): string {
  const name = fact.text();
  if (!NODE_NAME.test(name)) throw fact.invalid('the name of a package');
  return name;
}

function readHash(body: JsonFact, fallback: string | undefined): DagHash {
  const fact =
    body.find('hash') ??
    (fallback === undefined ? undefined : new JsonFact(fallback, body.source, body.path));
  return asHash(fact ?? body.get('hash'));
}

function asHash(fact: JsonFact): DagHash {
  const text = fact.text();
  if (!isDagHash(text)) throw fact.invalid('a dag hash (32 characters from a-z and 2-7)');
  return text;
}

/** `version`, or `versions` if the spec does not have exactly one; the list that means "any" is printed as nothing. */
function readVersion(body: JsonFact): string {
  const versions = body.find('versions');
  if (versions === undefined) return body.get('version').text();
  const texts = versions.items().map((item) => item.text());
  if (texts.length === 1) return texts[0] === ':' ? '' : (texts[0] ?? '').replace(/^=/, '');
  return texts.join(',');
}

function readArchitecture(arch: JsonFact): Architecture {
  const target = arch.get('target');
  const parts = { platform: arch.get('platform').text(), os: arch.get('platform_os').text() };
  if (typeof target.value === 'string') return { ...parts, target: target.text() };
  const targetParents = target
    .find('parents')
    ?.items()
    .map((parent) => parent.text());
  const named = { ...parts, target: target.get('name').text() };
  return targetParents === undefined ? named : { ...named, targetParents };
}

function readCompiler(body: JsonFact): SpecNode['compiler'] {
  const compiler = body.find('compiler');
  if (compiler !== undefined && compiler.value !== null) {
    return { name: compiler.get('name').text(), version: readVersion(compiler) };
  }
  const annotated = body.find('annotations')?.find('compiler')?.textOrNull();
  return annotated === undefined ? undefined : splitCompiler(annotated);
}

/** `gcc@=12.2.0` as format 5 annotates it. */
function splitCompiler(text: string): SpecNode['compiler'] {
  const at = text.indexOf('@');
  if (at < 0) return { name: text, version: '' };
  return { name: text.slice(0, at), version: text.slice(at + 1).replace(/^=/, '') };
}

function readParameters(body: JsonFact): JsonObject {
  const parameters = body.find('parameters');
  if (parameters === undefined) return {};
  for (const [, value] of parameters.entries()) requireParameterValue(value);
  return parameters.object();
}

function requireParameterValue(fact: JsonFact): void {
  const values = Array.isArray(fact.value) ? fact.items() : [fact];
  for (const item of values) {
    if (typeof item.value === 'object') throw item.invalid('a text, a number, true or false');
    if (typeof item.value === 'string') item.text();
  }
}

/** Without path and modules the node is not external, whatever else the object contains. */
function readExternal(external: JsonFact | undefined): SpecNode['external'] {
  if (external === undefined || external.value === null || external.value === false) return undefined;
  const path = external.find('path')?.textOrNull();
  const modules = external.find('module')?.value ?? null;
  const module = modules === false ? null : modules;
  return path === undefined && module === null ? undefined : { path, module };
}

function readBuildSpec(buildSpec: JsonFact | undefined): DagHash | undefined {
  return buildSpec === undefined || buildSpec.value === null
    ? undefined
    : asHash(buildSpec.get(hashKeyOf(buildSpec)));
}

function readDependencies(body: JsonFact, version: number): readonly DependencyEdge[] {
  const dependencies = body.find('dependencies');
  if (dependencies === undefined) return [];
  if (version === 1) return dependencies.entries().map(([name, fact]) => readOldEdge(name, fact));
  const read = version < 4 ? (fact: JsonFact) => readOldEdge(readName(fact.get('name')), fact) : readEdge;
  return dependencies.items().map(read);
}

function readOldEdge(name: string, fact: JsonFact): DependencyEdge {
  return {
    name,
    hash: asHash(fact.get(hashKeyOf(fact))),
    types: readTypes(fact.get('type')),
    virtuals: [],
    direct: false,
  };
}

function readEdge(fact: JsonFact): DependencyEdge {
  const parameters = fact.get('parameters');
  return {
    name: readName(fact.get('name')),
    hash: asHash(fact.get('hash')),
    types: readTypes(parameters.get('deptypes')),
    virtuals:
      parameters
        .find('virtuals')
        ?.items()
        .map((item) => item.text()) ?? [],
    direct: parameters.find('direct')?.boolean() ?? false,
  };
}

function readTypes(fact: JsonFact): readonly DependencyType[] {
  return fact.items().map((item) => {
    const type = item.text();
    if (!DEPENDENCY_TYPES.includes(type)) throw item.invalid(`one of ${DEPENDENCY_TYPES.join(', ')}`);
    return type as DependencyType;
  });
}

function withHash(fact: JsonFact, body: JsonFact, hash: DagHash): JsonObject {
  if (body.find('hash') !== undefined) return fact.object();
  const complete = { ...body.object(), hash };
  return body === fact ? complete : Object.fromEntries(fact.entries().map(([name]) => [name, complete]));
}
