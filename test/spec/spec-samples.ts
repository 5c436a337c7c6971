// Specs for the tests of src/spec and src/buildcache: made in code for every specfile version, and those of the fixtures.

import fs from 'node:fs';
import path from 'node:path';
import { parseSpecDictionary } from '../../src/spec/json/spec-json.js';
import type { JsonObject, JsonValue, Spec } from '../../src/spec/spec.js';

export const FIXTURES = process.env.REGRAFT_FIXTURES;
export const FIXTURES_V2V3 = FIXTURES === undefined ? undefined : path.join(FIXTURES, '..', 'fixtures-v2v3');
export const needsFixtures =
  FIXTURES === undefined ? { skip: 'REGRAFT_FIXTURES is not set: the complete fixtures are missing' } : {};

export const ARCH = { platform: 'linux', platform_os: 'debian12', target: 'x86_64' } as const;
export const GCC = { name: 'gcc', version: '12.2.0' } as const;
export const FLAGS = { cflags: [], cppflags: [], cxxflags: [], fflags: [], ldflags: [], ldlibs: [] } as const;

/** A hash that consists of one letter, or repeats a short text. */
export function hashOf(text: string): string {
  return text.repeat(32).slice(0, 32);
}

export interface SampleEdge {
  readonly name: string;
  readonly hash: string;
  readonly types: readonly string[];
  readonly virtuals?: readonly string[];
}

export interface SampleNode extends JsonObject {
  readonly name: string;
  readonly hash: string;
}

/** A node of format 4. */
export function node4(
  name: string,
  letter: string,
  edges: readonly SampleEdge[] = [],
  more: JsonObject = {},
): SampleNode {
  const { parameters, ...rest } = more;
  return {
    name,
    version: '1.0',
    arch: ARCH,
    compiler: GCC,
    namespace: 'samples',
    parameters: { build_system: 'generic', ...FLAGS, ...((parameters as JsonObject | undefined) ?? {}) },
    ...rest,
    ...(edges.length === 0 ? {} : { dependencies: edges.map(edge4) }),
    hash: hashOf(letter),
  };
}

function edge4({ name, hash, types, virtuals = [] }: SampleEdge): JsonObject {
  return { name, hash: hashOf(hash), parameters: { deptypes: types, virtuals } };
}

/** A node of format 5: without a compiler. */
export function node5(
  name: string,
  letter: string,
  edges: readonly SampleEdge[] = [],
  more: JsonObject = {},
): SampleNode {
  const { compiler: _, ...rest } = node4(name, letter, edges, {
    annotations: { original_specfile_version: 5 },
    ...more,
  });
  return rest as SampleNode;
}

export function link(name: string, hash: string): SampleEdge {
  return { name, hash, types: ['link'] };
}

export function edge(name: string, hash: string, ...types: string[]): SampleEdge {
  return { name, hash, types };
}

export function dictionary(version: number, nodes: readonly JsonValue[]): JsonObject {
  return { spec: version === 1 ? nodes : { _meta: { version }, nodes } };
}

export function spec4(...nodes: readonly SampleNode[]): Spec {
  return parseSpecDictionary(dictionary(4, nodes), 'sample');
}

export function spec5(...nodes: readonly SampleNode[]): Spec {
  return parseSpecDictionary(dictionary(5, nodes), 'sample');
}

export function readJson(file: string): JsonObject {
  return JSON.parse(fs.readFileSync(file, 'utf8')) as JsonObject;
}

/** The specfiles of a directory of the fixtures, by name. */
export function readSpecs(directory: string): Map<string, Spec> {
  const names = fs.readdirSync(directory).filter((name) => name.endsWith('.spec.json'));
  return new Map(
    names.map((name) => [name, parseSpecDictionary(readJson(path.join(directory, name)), name)]),
  );
}

/** The records of a database or an index: hash and node, as the file has them. */
export function readRecords(file: string): [string, JsonObject][] {
  const database = readJson(file).database as { installs: Record<string, { spec: JsonObject }> };
  return Object.entries(database.installs).map(([hash, record]) => [hash, record.spec]);
}

/** All files below a directory. */
export function listFiles(directory: string): string[] {
  return fs
    .readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
    .sort();
}
