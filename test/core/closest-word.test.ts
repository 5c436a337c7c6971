import assert from 'node:assert/strict';
import { test } from 'node:test';
import { closestWord } from '../../src/core/closest-word.js';

test('closestWord finds what was meant, or nothing', () => {
  const known = ['site', 'public', 'spack-public', 'm'];
  const cases: readonly (readonly [word: string, meant: string | undefined])[] = [
    ['sit', 'site'],
    ['SITE', 'site'],
    ['pubilc', 'public'],
    ['spack-publik', 'spack-public'],
    ['n', 'm'],
    ['something', undefined],
    ['', 'm'],
  ];
  for (const [word, meant] of cases) assert.equal(closestWord(word, known), meant, word);
  assert.equal(closestWord('a', []), undefined);
});
