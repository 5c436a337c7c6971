import assert from 'node:assert/strict';
import { chmodSync, linkSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { JsEngine } from '../../../src/relocation/engines/js.js';
import { encodeMapping, PrefixMapBuilder } from '../../../src/relocation/prefixes/prefix-map.js';
import { replaceTextChunks } from '../../../src/relocation/text/text-chunks.js';
import { rewriteTextFile, type TextRewriter } from '../../../src/store/staging/staged-text.js';
import { temporaryFolder } from '../temporary-folder.js';

const LARGE = 5 << 20;

/** Replaces `/old` by `to`, with the true text rule; lines may have `limit` bytes. */
function rewriterTo(to: string, limit?: number): TextRewriter {
  const map = new PrefixMapBuilder();
  map.set('/old', to);
  const replacer = new JsEngine().createTextReplacer(encodeMapping(map.build()));
  return {
    rewrite: (text) => replacer.replace(text),
    rewriteChunks: (chunks) => replaceTextChunks(replacer, chunks, limit),
  };
}

function textFile(test: TestContext, content: string): { path: string; inode: () => number } {
  const path = join(temporaryFolder(test), 'text');
  writeFileSync(path, content, 'latin1');
  chmodSync(path, 0o751);
  utimesSync(path, 0, 0);
  return { path, inode: () => statSync(path).ino };
}

const rewrite = (path: string, rewriter: TextRewriter, otherNames: readonly string[] = []) =>
  rewriteTextFile(
    { path: Buffer.from(path), otherNames: otherNames.map((name) => Buffer.from(name)) },
    rewriter,
  );

/** Some MiB of lines, with matches at the beginning, the end, and around every cut of 4 MiB. */
function largeText(prefix: string): string {
  const lines = ['first=/old/bin'];
  let size = 0;
  for (let i = 0; size < LARGE; i++) {
    const line = i % 1000 === 0 ? `${i} x=/old/share/${'z'.repeat(i % 97)}` : `${i} ${'-'.repeat(i % 113)}`;
    lines.push(line);
    size += line.length + 1;
  }
  return [...lines, 'last=/old'].join('\n').replaceAll('/old', prefix);
}

describe('rewriteTextFile', () => {
  for (const [name, to] of Object.entries({ shorter: '/n', equal: '/new', longer: '/a/new/place' })) {
    it(`rewrites a small file in place: ${name}`, (test) => {
      const { path, inode } = textFile(test, 'a=/old/bin\nb=/old\n');
      const before = inode();
      assert.ok(rewrite(path, rewriterTo(to)));
      assert.equal(readFileSync(path, 'utf8'), `a=${to}/bin\nb=${to}\n`);
      assert.equal(inode(), before);
      assert.equal(statSync(path).mode & 0o7777, 0o751);
    });

    it(`rewrites a large file beside it: ${name}`, (test) => {
      const { path } = textFile(test, largeText('/old'));
      assert.ok(rewrite(path, rewriterTo(to)));
      assert.ok(readFileSync(path, 'utf8') === largeText(to));
      assert.equal(statSync(path).mode & 0o7777, 0o751);
      assert.deepEqual(readdirSync(dirname(path)), ['text'], 'nothing is left beside it');
    });
  }

  it('does not touch a file without a match, small or large', (test) => {
    for (const content of ['nothing here\n', '', largeText('/other')]) {
      const { path, inode } = textFile(test, content);
      const before = inode();
      assert.ok(!rewrite(path, rewriterTo('/new')));
      assert.equal(statSync(path).mtimeMs, 0);
      assert.equal(inode(), before);
      assert.deepEqual(readdirSync(dirname(path)), ['text']);
    }
  });

  it('keeps all names of a hard link group, small or large', (test) => {
    for (const content of ['a=/old\n', largeText('/old')]) {
      const { path } = textFile(test, content);
      const others = ['second', 'third'].map((name) => join(dirname(path), name));
      for (const other of others) linkSync(path, other);
      assert.ok(rewrite(path, rewriterTo('/new'), others));
      for (const other of others) assert.equal(statSync(other).ino, statSync(path).ino);
      assert.equal(statSync(path).nlink, 3);
      assert.ok(readFileSync(others[1] ?? '', 'utf8') === content.replaceAll('/old', '/new'));
      assert.deepEqual(readdirSync(dirname(path)).sort(), ['second', 'text', 'third']);
    }
  });

  it('finds a match that lies across the cut of a large file', (test) => {
    const cut = 4 << 20;
    for (const shift of [0, 1, 3, 4, 5, 9]) {
      const head = `${'-'.repeat(cut - 101 - shift)}\n`;
      const content = `${head}${'='.repeat(90)} x=/old/a/b/c\n${'+'.repeat(cut / 2)}\n`;
      const { path } = textFile(test, content);
      assert.ok(rewrite(path, rewriterTo('/new/place')));
      assert.ok(readFileSync(path, 'utf8') === content.replace('/old', '/new/place'), `shifted by ${shift}`);
    }
  });

  it('refuses a line that is too long to be kept, and leaves the file as it was', (test) => {
    const content = `short=/old\n${'x'.repeat(LARGE)} /old\n`;
    const { path } = textFile(test, content);
    assert.throws(() => rewrite(path, rewriterTo('/new', 1 << 20)), { code: 'text-too-large' });
    assert.ok(readFileSync(path, 'utf8') === content);
  });
});
