import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  imageEnvironment,
  inspectionOf,
  type PrefixInspection,
} from '../../../src/buildcache/image/prefix-inspection.js';
import type { SpecNode } from '../../../src/spec/spec.js';
import { buildSpec } from '../../store/spec-builder.js';

const SPEC = buildSpec({ app: { dependencies: ['lib'] }, lib: {} });

function inspectWith(prefixes: Readonly<Record<string, PrefixInspection>>) {
  return ({ name }: SpecNode) => prefixes[name];
}

const environmentOf = (prefixes: Readonly<Record<string, PrefixInspection>>, base: readonly string[] = []) =>
  imageEnvironment({ specs: [SPEC], order: 'depth-first', inspect: inspectWith(prefixes), base });

test('imageEnvironment puts the package before what it needs, and both before the base', () => {
  const prefixes = {
    app: { prefix: '/s/app', folders: ['bin', 'share/man'] },
    lib: { prefix: '/s/lib', folders: ['bin', 'lib/pkgconfig', 'man'] },
  };
  const [path, language, ...others] = environmentOf(prefixes, ['PATH=/base', 'LANG=C']);
  // What is only linked is no program of its user, but every prefix is looked through.
  assert.match(path ?? '', /^PATH=\/s\/app\/bin:(\/s\/lib\/bin:)?\/s\/app\/bin:\/s\/lib\/bin:\/base$/);
  assert.equal(language, 'LANG=C');
  assert.deepEqual(others, [
    'CMAKE_PREFIX_PATH=/s/app:/s/lib',
    'MANPATH=/s/app/share/man:/s/lib/man',
    'PKG_CONFIG_PATH=/s/lib/lib/pkgconfig',
  ]);
});

test('imageEnvironment leaves system folders and unknown prefixes out', () => {
  const prefixes = { lib: { prefix: '/usr', folders: ['bin', 'share/man'] } };
  assert.deepEqual(environmentOf(prefixes), ['PATH=/bin:/usr/bin', 'MANPATH=/usr/share/man']);
});

test('inspectionOf finds out what an image says of its own package', () => {
  const lib = { prefix: '/s/lib', folders: ['bin', 'lib/pkgconfig'] };
  const environment = imageEnvironment({
    specs: [SPEC],
    order: 'breadth-first',
    inspect: inspectWith({ app: lib, lib: { prefix: '/s/other', folders: ['bin', 'man'] } }),
    base: ['PATH=/x', 'CMAKE_PREFIX_PATH=/base'],
  });
  assert.deepEqual(inspectionOf(environment), lib);
  assert.equal(inspectionOf(['PATH=/bin']), undefined);
});
