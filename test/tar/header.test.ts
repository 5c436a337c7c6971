import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ArchiveError } from '../../src/core/errors.js';
import { entryTypeOf, isZeroBlock, parseHeader } from '../../src/tar/header.js';
import { base256, GNU, type HeaderSketch, POSIX, tarHeader, V7 } from '../helpers/tar-builder.js';

const parse = (sketch: HeaderSketch) => parseHeader(tarHeader(sketch), 1024);

describe('parseHeader', () => {
  it('reads every field', () => {
    const header = parse({ name: 'a/b', mode: 0o4755, size: 12, mtime: 34, type: '2', linkname: '../c' });
    assert.deepEqual(header, {
      name: 'a/b',
      mode: 0o4755,
      size: 12,
      mtime: 34,
      typeflag: '2',
      linkname: '../c',
    });
  });

  it('keeps the twelve permission bits only', () => {
    assert.equal(parse({ mode: '0100644\0' }).mode, 0o644);
  });

  it('takes names and link names that fill their fields', () => {
    const name = 'n'.repeat(100);
    const linkname = 'l'.repeat(100);
    const header = parse({ name, linkname, type: '1' });
    assert.equal(header.name, name);
    assert.equal(header.linkname, linkname);
  });

  it('keeps names that are not UTF-8 byte for byte', () => {
    assert.equal(parse({ name: 'caf\xe9/\xff\xfe' }).name, 'caf\xe9/\xff\xfe');
  });

  it('puts the prefix of a ustar header in front', () => {
    const prefix = 'p'.repeat(155);
    assert.equal(parse({ name: 'x', prefix }).name, `${prefix}/x`);
  });

  it('does not take what GNU and old headers have in that place for a prefix', () => {
    for (const magic of [GNU, V7]) assert.equal(parse({ name: 'x', prefix: '12345', magic }).name, 'x');
  });

  it('reads numbers with blanks, without a final NUL, and empty ones', () => {
    assert.equal(parse({ size: '        17 \0' }).size, 0o17);
    assert.equal(parse({ size: '000000000017' }).size, 0o17);
    assert.equal(parse({ size: '\0'.repeat(12) }).size, 0);
    assert.equal(parse({ size: '777777777777' }).size, 8 ** 12 - 1);
  });

  it('reads numbers in base 256', () => {
    for (const size of [0, 1, 255, 256, 8 ** 11, 2 ** 40 + 5, Number.MAX_SAFE_INTEGER])
      assert.equal(parse({ size: base256(size) }).size, size);
  });

  it('takes a time before 1970 for the beginning of time', () => {
    assert.equal(parse({ mtime: new Uint8Array(12).fill(0xff) }).mtime, 0);
  });

  it('accepts the checksum of signed bytes, which old writers made', () => {
    const sketch = { name: 'caf\xe9\xe9\xe9' };
    assert.notDeepEqual(
      tarHeader({ ...sketch, checksum: 'signed' }),
      tarHeader(sketch),
      'the two sums differ here',
    );
    assert.equal(parse({ ...sketch, checksum: 'signed' }).name, sketch.name);
  });

  it('accepts a checksum without its final NUL and blank', () => {
    const digits = tarHeader({}).toString('latin1', 148, 154);
    for (const text of [`${digits}\0\0`, ` ${digits}\0`, `00${digits}`, `${digits}  `])
      assert.equal(parse({ checksum: { text } }).name, 'member');
  });
});

describe('parseHeader refuses', () => {
  const cases: Readonly<Record<string, HeaderSketch>> = {
    'a checksum that does not match': { checksum: { text: '000001\0 ' } },
    'an empty checksum': { checksum: { text: '\0'.repeat(8) } },
    'a checksum that is no number': { checksum: { text: 'checksum' } },
    'a size with the digit 8': { size: '00000000008\0' },
    'a size with letters': { size: 'large\0' },
    'a negative size': { size: '-1\0' },
    'a negative size in base 256': { size: new Uint8Array(12).fill(0xff) },
    'a size beyond what numbers hold': { size: Uint8Array.from([0x80, ...new Array(11).fill(0xff)]) },
    'a mode with letters': { mode: 'rwxr-xr' },
    'a time with letters': { mtime: 'yesterday' },
  };
  for (const [name, sketch] of Object.entries(cases)) {
    it(name, () => {
      assert.throws(
        () => parse(sketch),
        (error: unknown) =>
          error instanceof ArchiveError && error.code === 'tar-header' && error.data.offset === 1024,
      );
    });
  }

  it('a header with any single bit turned over', () => {
    const good = tarHeader({ name: 'some/name', size: 5, linkname: 'x' });
    for (let bit = 0; bit < good.length * 8; bit++) {
      const bad = Buffer.from(good);
      bad.writeUInt8(bad.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      // In the checksum's own field a blank is as good as a zero.
      if (bit >> 3 >= 148 && bit >> 3 < 156) continue;
      assert.throws(() => parseHeader(bad, 0), ArchiveError, `bit ${bit}`);
    }
  });
});

describe('entryTypeOf', () => {
  it('knows files of three spellings', () => {
    for (const flag of ['0', '\0', '7']) assert.equal(entryTypeOf(flag), 'file');
  });

  it('does not extract the rest', () => {
    for (const flag of ['S', 'D', 'V', 'M', '8', ' ', '\xff']) assert.equal(entryTypeOf(flag), 'unknown');
  });
});

describe('isZeroBlock', () => {
  it('looks at every byte', () => {
    assert.ok(isZeroBlock(new Uint8Array(512)));
    for (const at of [0, 1, 255, 511]) {
      const block = new Uint8Array(512);
      block[at] = 1;
      assert.ok(!isZeroBlock(block));
    }
    assert.ok(!isZeroBlock(tarHeader({ magic: POSIX })));
  });
});
