// Small package indexes, made in code.

import type { DagHash } from '../../../src/spec/spec.js';

/** A dag hash of one repeated letter. */
export function hashOf(letter: string): DagHash {
  return letter.repeat(32) as DagHash;
}

export interface IndexRecordOptions {
  readonly inBuildcache?: boolean;
  readonly version?: string;
}

/** An index with the packages of a map from names to hash letters. */
export function indexText(
  packages: Readonly<Record<string, string>>,
  version = '7',
  { inBuildcache = true, version: packageVersion = '1.0' }: IndexRecordOptions = {},
): string {
  const installs = Object.fromEntries(
    Object.entries(packages).map(([name, letter]) => [
      hashOf(letter),
      { spec: nodeJson(name, hashOf(letter), packageVersion), ref_count: 0, in_buildcache: inBuildcache },
    ]),
  );
  return JSON.stringify({ database: { version, installs } });
}

export function nodeJson(name: string, hash: string, version = '1.0') {
  return {
    name,
    version,
    arch: { platform: 'linux', platform_os: 'debian12', target: 'x86_64' },
    compiler: { name: 'gcc', version: '12.2.0' },
    namespace: 'fixtures',
    parameters: {},
    hash,
  };
}
