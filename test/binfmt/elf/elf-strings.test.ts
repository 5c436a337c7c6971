// The dynamic string table under change, where hostile entries want more than any file has.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { rebuildStrings, type StringReference } from '../../../src/binfmt/elf/elf-strings.js';
import { fromLatin1, toLatin1 } from '../../../src/core/bytes.js';

function reference(offset: number): StringReference {
  return { at: 0, width: 'word', what: 'name', offset };
}

const OTHERS: ReadonlySet<number> = new Set();

describe('rebuildStrings', () => {
  it('puts new strings behind the table, each once, and erases the old ones', () => {
    const table = fromLatin1('\0/old/a\0/old/b\0keep\0');
    const paths = [reference(1), reference(1), reference(8), reference(15)];
    const rebuilt = rebuildStrings(table, { paths, others: OTHERS }, (_, value) =>
      toLatin1(value).startsWith('/old') ? fromLatin1('/new/place') : undefined,
    );
    assert.ok(!('problem' in rebuilt));
    const gone = '\0'.repeat(15);
    assert.equal(toLatin1(rebuilt.bytes), `${gone}keep\0/new/place\0`);
    assert.deepEqual(
      rebuilt.moved.map(({ offset }) => offset),
      [20, 20, 20],
    );
  });

  it('refuses a name that is longer than any loader takes', () => {
    const table = fromLatin1(`\0${'n'.repeat(70_000)}\0`);
    const rebuilt = rebuildStrings(table, { paths: [reference(1)], others: OTHERS }, () => undefined);
    assert.deepEqual(rebuilt, { problem: 'a name in it is too long' });
  });

  it('refuses references that multiply one string', () => {
    const runs = Array.from({ length: 20 }, (_, i) => `${'/a'.repeat(2000)}${i}\0`).join('');
    const paths = Array.from({ length: runs.length }, (_, i) => reference(i));
    assert.equal(problemOf(fromLatin1(runs), paths), 'its string table would be too large');
  });
});

function problemOf(table: Uint8Array, paths: readonly StringReference[]): string | undefined {
  const rebuilt = rebuildStrings(table, { paths, others: OTHERS }, (_, value) => value);
  return 'problem' in rebuilt ? rebuilt.problem : undefined;
}
