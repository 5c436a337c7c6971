// Specs built in code: packages by name, with hashes made of the name.

import { parseDagHash } from '../../src/spec/dag-hash.js';
import { parseSpecDictionary } from '../../src/spec/json/spec-json.js';
import type { DagHash, JsonObject, Spec } from '../../src/spec/spec.js';

export interface PackageSketch {
  /** Dependencies as `name` (link) or `name:build,run`. */
  readonly dependencies?: readonly string[];
  readonly external?: string | null;
}

/** `zlib` → `zlibaaa…`: 32 characters that are a dag hash. */
export function hashOf(name: string): DagHash {
  return parseDagHash(name.replace(/[^a-z2-7]/g, '').padEnd(32, 'a'));
}

/** A spec of format 4 whose first package is the root. */
export function buildSpec(packages: Readonly<Record<string, PackageSketch>>): Spec {
  const nodes = Object.entries(packages).map(([name, sketch]) => nodeJson(name, sketch));
  return parseSpecDictionary({ spec: { _meta: { version: 4 }, nodes } }, 'test');
}

function nodeJson(name: string, { dependencies = [], external }: PackageSketch): JsonObject {
  return {
    name,
    version: '1.0',
    arch: { platform: 'linux', platform_os: 'debian12', target: 'x86_64' },
    compiler: { name: 'gcc', version: '12.2.0' },
    namespace: 'fixtures',
    parameters: { build_system: 'generic' },
    ...(external === undefined
      ? {}
      : { external: { path: external, module: external === null ? ['m'] : null, extra_attributes: {} } }),
    ...(dependencies.length === 0 ? {} : { dependencies: dependencies.map(edgeJson) }),
    hash: hashOf(name),
  };
}

function edgeJson(text: string): JsonObject {
  const [name = '', types = 'link'] = text.split(':');
  return { name, hash: hashOf(name), parameters: { deptypes: types.split(','), virtuals: [] } };
}
