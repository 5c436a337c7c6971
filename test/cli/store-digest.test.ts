// Digests of stores: the same for the same packages wherever the store is, another one for anything else.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { storeDigest } from '../../src/cli/store-digest.js';

const folder = mkdtempSync(join(tmpdir(), 'regraft-store-digest-'));
after(() => rmSync(folder, { recursive: true, force: true }));

function store(name: string, text: string, database = ''): string {
  const root = join(folder, name);
  mkdirSync(join(root, '.spack-db'), { recursive: true });
  writeFileSync(join(root, '.spack-db', 'index.json'), database);
  writeFileSync(join(root, 'script'), `#!${root}/bin/sh ${text}`);
  symlinkSync(join(root, 'script'), join(root, 'link'));
  return root;
}

test('storeDigest does not depend on where a store is, nor on its database', () => {
  assert.equal(storeDigest(store('a', 'x', 'then')), storeDigest(store('b', 'x', 'now')));
});

test('storeDigest notices contents', () => {
  assert.notEqual(storeDigest(store('c', 'x')), storeDigest(store('d', 'y')));
});
