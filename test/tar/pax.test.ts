import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ArchiveError } from '../../src/core/errors.js';
import { parsePax, paxSize, SPARSE } from '../../src/tar/pax.js';
import { paxRecord } from '../helpers/tar-builder.js';

const parse = (text: string) => parsePax(Buffer.from(text, 'latin1'), 512);

describe('parsePax', () => {
  it('reads records, the last of a keyword wins', () => {
    const records = parse(
      paxRecord('path', 'first') + paxRecord('linkpath', 'l') + paxRecord('path', 'second'),
    );
    assert.deepEqual([...records].sort(), [
      ['linkpath', 'l'],
      ['path', 'second'],
    ]);
  });

  it('counts bytes: values hold newlines, equals signs and what is not UTF-8', () => {
    for (const value of ['a\nb=c\n', '=', '', 'caf\xe9\xff', '7 path=x\n', ' '])
      assert.equal(parse(paxRecord('path', value)).get('path'), value);
  });

  it('agrees with its own length at every length of the record', () => {
    for (let length = 0; length < 1200; length++) {
      const value = 'v'.repeat(length);
      assert.equal(parse(paxRecord('path', value)).get('path'), value);
    }
  });

  it('ends at a NUL, with which some writers fill the block', () => {
    assert.equal(parse(`${paxRecord('path', 'x')}\0\0\0`).get('path'), 'x');
  });

  it('keeps only what is obeyed, and all words for sparse files as one', () => {
    const records = parse(
      paxRecord('mtime', '1.5') +
        paxRecord('comment', 'c') +
        paxRecord('GNU.sparse.major', '1') +
        paxRecord('SCHILY.x', 'y'),
    );
    assert.deepEqual([...records.keys()], [SPARSE]);
  });

  const refused: Readonly<Record<string, string>> = {
    'no length': 'path=x\n',
    'a blank first': ' 9 path=x\n',
    'a negative length': '-9 path=x\n',
    'a length in hexadecimal': '0x9 path=x\n',
    'a length of zero': '0 path=x\n',
    'a length that ends in the record itself': '3 path=x\n',
    'a length that ends in the keyword': '6 path=x\n',
    'a length beyond the body': '99 path=x\n',
    'a length of many digits': `${'9'.repeat(11)} path=x\n`,
    'a length that is one too short': '8 path=x\n',
    'a length that is one too long': '11 path=x\n9 path=y\n',
    'no equals sign': '7 path\n',
    'no keyword': '5 =x\n',
    'no newline': '8 path=x',
    'a second record without a length': `${paxRecord('path', 'x')}x`,
    'digits only': '12345',
  };
  for (const [name, text] of Object.entries(refused)) {
    it(`refuses ${name}`, () => {
      assert.throws(
        () => parse(text),
        (error: unknown) =>
          error instanceof ArchiveError && error.code === 'tar-pax' && Number(error.data.offset) >= 512,
      );
    });
  }

  it('gives records or a coded error for any bytes', () => {
    const alphabet = fc.constantFrom(...'0123456789 =\n\0pathsize.'.split(''));
    const text = fc.array(alphabet, { maxLength: 60 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(text, (body) => {
        try {
          for (const [keyword, value] of parse(body)) assert.ok(body.includes(`${keyword}=${value}\n`));
        } catch (error) {
          assert.ok(error instanceof ArchiveError && error.code === 'tar-pax');
        }
      }),
      { seed: 3, numRuns: 3000 },
    );
  });
});

describe('paxSize', () => {
  const size = (text: string) => paxSize(new Map([['size', text]]), 0);

  it('reads decimal digits', () => {
    assert.equal(paxSize(new Map(), 0), undefined);
    assert.equal(size('0'), 0);
    assert.equal(size('8589934592'), 2 ** 33);
  });

  it('refuses everything else', () => {
    for (const text of ['', '-1', '1.5', '1e3', '0x10', ' 1', '9'.repeat(20), 'NaN', 'Infinity'])
      assert.throws(() => size(text), { code: 'tar-pax' }, text);
  });
});
