import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { count, formatBytes, formatDuration, formatTable } from '../../../src/cli/render/format.js';

describe('formatBytes', () => {
  it('has three digits and a unit', () => {
    const cases: Readonly<Record<number, string>> = {
      0: '0 B',
      1: '1 B',
      999: '999 B',
      1000: '1.00 kB',
      1234: '1.23 kB',
      9994: '9.99 kB',
      9996: '10.0 kB',
      41234: '41.2 kB',
      99960: '100 kB',
      999400: '999 kB',
      999600: '1.00 MB',
      41234567: '41.2 MB',
      5000000000: '5.00 GB',
      7000000000000: '7.00 TB',
    };
    for (const [bytes, text] of Object.entries(cases)) assert.equal(formatBytes(Number(bytes)), text);
  });
});

describe('formatDuration', () => {
  it('is in milliseconds up to a second', () => {
    assert.equal(formatDuration(0.4), '0 ms');
    assert.equal(formatDuration(12.6), '13 ms');
    assert.equal(formatDuration(1000), '1.00 s');
    assert.equal(formatDuration(61_234), '61.23 s');
  });
});

describe('count', () => {
  it('knows one from many', () => {
    assert.deepEqual(
      [count(0, 'file'), count(1, 'file'), count(2, 'file')],
      ['0 files', '1 file', '2 files'],
    );
  });
});

describe('formatTable', () => {
  it('aligns all columns but the last', () => {
    const rows = [
      ['a', 'bbb', 'c'],
      ['aa', 'b', ''],
      ['a', 'b'],
    ];
    assert.deepEqual(formatTable(rows), ['a   bbb  c', 'aa  b    ', 'a   b']);
    assert.deepEqual(formatTable([]), []);
  });
});
