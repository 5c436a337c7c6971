import assert from 'node:assert/strict';
import { posix } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ArchiveError } from '../../src/core/errors.js';
import {
  displayPath,
  isWithin,
  parentPath,
  parseSafePath,
  withoutTrailingSlashes,
} from '../../src/tar/safe-path.js';

describe('parseSafePath', () => {
  const accepted: Readonly<Record<string, string>> = {
    a: 'a',
    'a/b': 'a/b',
    './a': 'a',
    'a//b': 'a/b',
    'a/./b/': 'a/b',
    '...': '...',
    '..a/b..': '..a/b..',
    '.a': '.a',
    'caf\xe9/\xff': 'caf\xe9/\xff',
    'C:\\x': 'C:\\x',
    ' ': ' ',
  };
  for (const [name, path] of Object.entries(accepted))
    it(`takes "${name}"`, () => assert.equal(parseSafePath(name), path));

  const refused: Readonly<Record<string, RegExp>> = {
    '': /it is empty/,
    '.': /it is empty/,
    './': /it is empty/,
    '/': /it is absolute/,
    '/a': /it is absolute/,
    '//a': /it is absolute/,
    '..': /it contains "\.\."/,
    '../a': /it contains "\.\."/,
    'a/..': /it contains "\.\."/,
    'a/../b': /it contains "\.\."/,
    './/../a': /it contains "\.\."/,
    'a\0b': /it contains a NUL/,
    'a/../\0': /it contains/,
    [`${'a/'.repeat(2048)}a`]: /it has more than 4096 bytes/,
  };
  for (const [name, message] of Object.entries(refused)) {
    it(`refuses "${name.slice(0, 20).replaceAll('\0', '\\0')}"`, () => {
      assert.throws(
        () => parseSafePath(name),
        (error: unknown) =>
          error instanceof ArchiveError && error.code === 'tar-unsafe-path' && message.test(error.message),
      );
    });
  }

  it('never leads out of the folder it is joined to', () => {
    const parts = fc.array(fc.constantFrom('a', 'b', '.', '..', '/', '', '\0', '...', '//'), {
      maxLength: 8,
    });
    fc.assert(
      fc.property(parts, (pieces) => {
        const name = pieces.join('');
        try {
          const path = parseSafePath(name);
          assert.equal(posix.join('/root', name).replace(/\/$/, ''), `/root/${path}`);
          assert.equal(posix.normalize(path), path);
        } catch (error) {
          assert.ok(error instanceof ArchiveError);
          assert.equal(error.code, 'tar-unsafe-path');
        }
      }),
      { seed: 5, numRuns: 3000 },
    );
  });
});

describe('withoutTrailingSlashes', () => {
  it('drops all of them', () => {
    assert.equal(withoutTrailingSlashes('a/b///'), 'a/b');
    assert.equal(withoutTrailingSlashes('///'), '');
    assert.equal(withoutTrailingSlashes('/a'), '/a');
  });

  it('takes no more than linear time', () => {
    const name = `${'/'.repeat(1 << 20)}x`;
    const begin = performance.now();
    assert.equal(withoutTrailingSlashes(name), name);
    assert.ok(performance.now() - begin < 1000, 'a quadratic search takes minutes');
  });
});

describe('displayPath', () => {
  it('shows UTF-8 as it is', () =>
    assert.equal(displayPath(Buffer.from('naïve/ü').toString('latin1')), 'naïve/ü'));

  it('shows what a terminal would obey as digits', () => {
    assert.equal(displayPath('a\x1b[2Jb\nc\x7f\0'), 'a\\x1b[2Jb\\x0ac\\x7f\\x00');
    assert.equal(displayPath('\xc2\x9b'), '\\x9b', 'a control character of two bytes');
  });

  it('cuts what is too long in the middle', () => {
    const shown = displayPath(`begin${'x'.repeat(1 << 20)}end`);
    assert.ok(shown.startsWith('beginx') && shown.endsWith('xend') && shown.length < 1100);
  });
});

describe('parentPath and isWithin', () => {
  it('go by components', () => {
    assert.equal(parentPath('a/b/c'), 'a/b');
    assert.equal(parentPath('a'), '');
    assert.ok(isWithin('a', 'a') && isWithin('a/b', 'a') && isWithin('a', ''));
    assert.ok(!isWithin('ab', 'a') && !isWithin('a', 'a/b') && !isWithin('a-1/b', 'a'));
  });
});
