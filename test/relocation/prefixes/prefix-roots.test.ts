import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { startsWithBytes, toLatin1 } from '../../../src/core/bytes.js';
import { findRoots } from '../../../src/relocation/prefixes/prefix-roots.js';

function rootsOf(...prefixes: readonly string[]): readonly string[] {
  return findRoots(prefixes.map((prefix) => Buffer.from(prefix, 'latin1'))).map(toLatin1);
}

describe('findRoots', () => {
  it('gives one root for prefixes below one store', () => {
    assert.deepEqual(rootsOf('/opt/store/b-1', '/opt/store', '/opt/store/a-2'), ['/opt/store']);
  });

  it('gives unrelated prefixes roots of their own', () => {
    assert.deepEqual(rootsOf('/opt/a', '#!/bin/bash', '/usr/b'), ['#!/bin/bash', '/opt/a', '/usr/b']);
  });

  it('lets a short prefix be the root of what begins with it', () => {
    assert.deepEqual(rootsOf('/a', '/abcd', '/b'), ['/a', '/b']);
  });

  it('begins each prefix with exactly one root', () => {
    const text = fc.string({ unit: fc.constantFrom('/', 'a', 'b'), minLength: 1, maxLength: 9 });
    const property = fc.property(fc.array(text, { maxLength: 12 }), (list) => {
      const prefixes = list.map((prefix) => Buffer.from(prefix));
      const roots = findRoots(prefixes);
      for (const prefix of prefixes) {
        assert.equal(roots.filter((root) => startsWithBytes(prefix, root)).length, 1);
      }
    });
    fc.assert(property, { seed: 3, numRuns: 500 });
  });
});
