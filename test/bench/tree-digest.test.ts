// Digests of trees: what they notice, and what they let pass.
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { treeDigest, treeSize } from '../../bench/tree-digest.js';

const folder = mkdtempSync(join(tmpdir(), 'regraft-tree-digest-'));
after(() => rmSync(folder, { recursive: true, force: true }));

function tree(name: string, text: string): string {
  const root = join(folder, name);
  mkdirSync(join(root, 'bin'), { recursive: true });
  mkdirSync(join(root, '.spack'), { recursive: true });
  writeFileSync(join(root, 'bin', 'run'), text.replaceAll('ROOT', root));
  writeFileSync(join(root, '.spack', 'log'), name);
  symlinkSync(`${root}/bin/run`, join(root, 'link'));
  return root;
}

describe('treeDigest', () => {
  it('is the same for trees that differ in their root only', () => {
    const [a, b] = [tree('a', 'in ROOT, in ROOT/bin'), tree('b', 'in ROOT, in ROOT/bin')];
    const options = (root: string) => ({ root, without: ['.spack'] });
    assert.equal(treeDigest(a, options(a)), treeDigest(b, options(b)));
    assert.notEqual(treeDigest(a, { root: a }), treeDigest(b, { root: b }));
    assert.notEqual(treeDigest(a, { without: ['.spack'] }), treeDigest(b, { without: ['.spack'] }));
  });

  it('notices contents, names and executable bits', () => {
    const [c, d] = [tree('c', 'one'), tree('d', 'two')];
    const digest = (root: string) => treeDigest(root, { root, without: ['.spack'] });
    assert.notEqual(digest(c), digest(d));
    writeFileSync(join(d, 'bin', 'run'), 'one');
    assert.equal(digest(c), digest(d));
    chmodSync(join(d, 'bin', 'run'), 0o755);
    assert.notEqual(digest(c), digest(d));
  });
});

describe('treeSize', () => {
  it('counts files and links, and the bytes of files', () => {
    assert.equal(treeSize(tree('e', 'four'), { without: ['.spack'] }), '2 files, 4 bytes');
  });
});
