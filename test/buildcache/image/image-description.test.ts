import assert from 'node:assert/strict';
import { test } from 'node:test';
import { goArchitecture } from '../../../src/buildcache/image/go-architecture.js';
import { describeImage } from '../../../src/buildcache/image/image-description.js';
import { parseSpecDictionary } from '../../../src/spec/json/spec-json.js';
import type { JsonObject } from '../../../src/spec/spec.js';

const HASH = '3bmgbi5wpqvh6p3zlyxvcwzxsa4xdpoh';

function specWith(parameters: JsonObject) {
  const arch = { platform: 'linux', platform_os: 'debian12', target: 'skylake' };
  const compiler = { name: 'gcc', version: '12.2.0' };
  const node = { name: 'x', version: '1.0', arch, compiler, namespace: 'n', parameters, hash: HASH };
  return parseSpecDictionary({ spec: { _meta: { version: 4 }, nodes: [node] } }, 'x');
}

test('describeImage writes a package as Spack before 1.0 does, and as Spack 1.x does', () => {
  const spec = specWith({
    shared: true,
    debug: false,
    build_system: 'generic',
    mode: ['a', 'b'],
    cflags: [],
  });
  const variants = '~debug+shared build_system=generic';
  assert.equal(
    describeImage(spec, { isSpack1: false }),
    `x@=1.0%gcc@=12.2.0${variants} mode=a,b arch=linux-debian12-skylake`,
  );
  assert.equal(
    describeImage(spec, { isSpack1: true }),
    `x@=1.0${variants} mode:=a,b platform=linux os=debian12 target=skylake`,
  );
});

test('goArchitecture names the family of a target as Go does', () => {
  const of = (target: string, targetParents?: readonly string[]) =>
    goArchitecture({ platform: 'linux', os: 'x', target, ...(targetParents && { targetParents }) });
  assert.equal(of('skylake'), 'amd64');
  assert.equal(of('x86_64'), 'amd64');
  assert.equal(of('neoverse_v2'), 'arm64');
  assert.equal(of('power9le'), 'ppc64le');
  assert.equal(of('riscv64'), 'riscv64');
  assert.equal(of('unheard_of', ['zen4']), 'amd64');
});
