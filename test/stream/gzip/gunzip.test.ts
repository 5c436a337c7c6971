// GunzipDecoder: members, header fields, checks and what follows, at every split.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { crc32, deflateRawSync, gzipSync } from 'node:zlib';
import { IntegrityError } from '../../../src/core/errors.js';
import { GunzipDecoder } from '../../../src/stream/gzip/gunzip.js';
import { JsInflater } from '../../../src/stream/inflate/js-inflater.js';
import { pushInPieces } from '../../helpers/push-pieces.js';
import { SeededRandom } from '../../helpers/seeded-random.js';

const inflater = new JsInflater();

interface Decoded {
  readonly text: string;
  readonly ignored: number;
  readonly members: number;
}

function decode(
  input: Uint8Array,
  sizes: readonly number[],
  onOutput?: (decoder: GunzipDecoder) => void,
): Decoded {
  const parts: Uint8Array[] = [];
  const decoder: GunzipDecoder = new GunzipDecoder({
    inflater,
    onOutput: (bytes) => {
      parts.push(bytes.slice());
      onOutput?.(decoder);
    },
  });
  pushInPieces(decoder, input, sizes);
  decoder.finish();
  const text = Buffer.concat(parts).toString('latin1');
  return { text, ignored: decoder.ignoredBytes, members: decoder.segmentCount };
}

/** Runs a check at each single split of the input and at repeated ones. */
function atEverySplit(input: Uint8Array, check: (sizes: readonly number[]) => void): void {
  for (const size of [1, 7, 511, 512, 513, input.length + 1]) check([size]);
  for (let at = 1; at < Math.min(input.length, 400); at++) check([at, input.length]);
}

function assertDecodes(input: Uint8Array, expected: Decoded): void {
  atEverySplit(input, (sizes) => assert.deepEqual(decode(input, sizes), expected, `pieces ${sizes}`));
}

function assertRefuses(input: Uint8Array, code: string): void {
  const isRefusal = (error: unknown): boolean => error instanceof IntegrityError && error.code === code;
  atEverySplit(input, (sizes) => assert.throws(() => decode(input, sizes), isRefusal, `pieces ${sizes}`));
}

interface MemberFields {
  readonly extra?: Uint8Array;
  readonly name?: string;
  readonly comment?: string;
  readonly withCrc?: boolean;
  readonly crcError?: number;
}

/** A gzip member with the header fields asked for. */
function member(
  text: string,
  { extra, name, comment, withCrc = false, crcError = 0 }: MemberFields = {},
): Uint8Array {
  const data = Buffer.from(text, 'latin1');
  const flags =
    (withCrc ? 2 : 0) | (extra ? 4 : 0) | (name === undefined ? 0 : 8) | (comment === undefined ? 0 : 16);
  const parts: Uint8Array[] = [Uint8Array.of(0x1f, 0x8b, 8, flags, 1, 2, 3, 4, 0, 255)];
  if (extra) parts.push(Uint8Array.of(extra.length & 255, extra.length >> 8), extra);
  if (name !== undefined) parts.push(Buffer.from(`${name}\0`, 'latin1'));
  if (comment !== undefined) parts.push(Buffer.from(`${comment}\0`, 'latin1'));
  if (withCrc) {
    const crc = (crc32(Buffer.concat(parts)) & 0xffff) ^ crcError;
    parts.push(Uint8Array.of(crc & 255, crc >> 8));
  }
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(crc32(data), 0);
  trailer.writeUInt32LE(data.length, 4);
  return Buffer.concat([...parts, deflateRawSync(data), trailer]);
}

const join = (...parts: readonly Uint8Array[]): Uint8Array => Buffer.concat(parts);
const one = (text: string): Decoded => ({ text, ignored: 0, members: 1 });

describe('GunzipDecoder', () => {
  it('reads every combination of header fields', () => {
    for (let bits = 0; bits < 16; bits++) {
      const fields = {
        ...(bits & 1 ? { extra: Buffer.from('\0extra\0', 'latin1') } : {}),
        ...(bits & 2 ? { name: 'a name' } : {}),
        ...(bits & 4 ? { comment: '' } : {}),
        withCrc: (bits & 8) !== 0,
      };
      assertDecodes(member('text', fields), one('text'));
    }
  });

  it('reads an extra field of no bytes and one of 65535', () => {
    assertDecodes(member('text', { extra: Buffer.alloc(0), name: '' }), one('text'));
    assertDecodes(member('text', { extra: Buffer.alloc(65535, 0x1f), withCrc: true }), one('text'));
  });

  it('reads members one after the other', () => {
    assertDecodes(join(member('one'), member('', { name: 'x' }), member('three')), {
      text: 'onethree',
      ignored: 0,
      members: 3,
    });
  });

  it('reads what zlib wrote', () => {
    const random = new SeededRandom(1);
    const data = Buffer.from(random.bytes(200_000, 30));
    const input = gzipSync(data);
    for (const size of [1, 7, 511, 512, 513, input.length]) {
      assert.equal(decode(input, [size]).text, data.toString('latin1'));
    }
  });

  it('ignores zeros and garbage after a member and counts them', () => {
    assertDecodes(join(member('text'), Buffer.alloc(700)), { ...one('text'), ignored: 700 });
    assertDecodes(join(member('text'), Buffer.from('garbage')), { ...one('text'), ignored: 7 });
    assertDecodes(join(member('text'), Buffer.from('\0\0garbage\x1f\x8b', 'latin1')), {
      ...one('text'),
      ignored: 11,
    });
  });

  it('reads a member behind zeros', () => {
    assertDecodes(join(member('a'), Buffer.alloc(5), member('b')), { text: 'ab', ignored: 5, members: 2 });
  });

  it('ignores a second header that is cut off or damaged', () => {
    const second = member('b', { name: 'name', withCrc: true });
    for (let size = 1; size < 17; size++) {
      assertDecodes(join(member('a'), second.subarray(0, size)), { ...one('a'), ignored: size });
    }
    const wrongMethod = Uint8Array.of(0x1f, 0x8b, 7, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3);
    assertDecodes(join(member('a'), wrongMethod), { ...one('a'), ignored: 13 });
    const wrongCrc = member('b', { withCrc: true, crcError: 1 });
    assertDecodes(join(member('a'), wrongCrc), { ...one('a'), ignored: wrongCrc.length });
  });

  it('refuses a second member that is cut off or damaged behind its header', () => {
    assertRefuses(join(member('a'), member('b').subarray(0, -1)), 'gzip-truncated');
    assertRefuses(join(member('a'), member('b').subarray(0, 10)), 'gzip-truncated');
    assertRefuses(join(member('a'), Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0, 7)), 'deflate-invalid');
  });

  it('refuses every shorter form of a member', () => {
    const input = member('some text', {
      extra: Buffer.from('extra'),
      name: 'name',
      comment: 'c',
      withCrc: true,
    });
    for (let size = 0; size < input.length; size++) assertRefuses(input.subarray(0, size), 'gzip-truncated');
  });

  it('refuses a header that is none', () => {
    const patch = (offset: number, value: number): Uint8Array => {
      const input = Uint8Array.from(member('text'));
      input[offset] = value;
      return input;
    };
    assertRefuses(patch(0, 0x1e), 'gzip-header');
    assertRefuses(patch(1, 0), 'gzip-header');
    assertRefuses(patch(2, 7), 'gzip-header');
    for (const flag of [0x20, 0x40, 0x80]) assertRefuses(patch(3, flag), 'gzip-header');
    assertRefuses(member('text', { withCrc: true, name: 'x', crcError: 0x100 }), 'gzip-header');
    assertRefuses(Buffer.alloc(20), 'gzip-header');
  });

  it('refuses a wrong CRC and a wrong length', () => {
    const input = Uint8Array.from(member('text'));
    for (let i = 1; i <= 8; i++) {
      const wrong = Uint8Array.from(input);
      wrong[input.length - i] = (wrong[input.length - i] as number) ^ 0x10;
      assertRefuses(wrong, i <= 4 ? 'gzip-length' : 'gzip-crc');
    }
  });

  it('refuses damaged data', () => {
    assertRefuses(Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 0x07), 'deflate-invalid');
  });

  it('ignores everything after the current member once it is stopped', () => {
    const input = join(member('one'), member('two'), Buffer.from('garbage'));
    const rest = input.length - member('one').length;
    atEverySplit(input, (sizes) => {
      const result = decode(input, sizes, (decoder) => decoder.stop());
      assert.deepEqual(result, { text: 'one', ignored: rest, members: 1 });
    });
  });

  it('still checks the member in which it is stopped', () => {
    const input = member('one').subarray(0, -1);
    assert.throws(() => decode(input, [1], (decoder) => decoder.stop()), { code: 'gzip-truncated' });
  });

  it('can be stopped between members, also within a header', () => {
    const first = member('one');
    const second = member('two');
    for (let size = 0; size < 10; size++) {
      const parts: Uint8Array[] = [];
      const decoder = new GunzipDecoder({ inflater, onOutput: (bytes) => parts.push(bytes.slice()) });
      decoder.push(first);
      decoder.push(second.subarray(0, size));
      decoder.stop();
      decoder.push(second.subarray(size));
      decoder.finish();
      assert.equal(Buffer.concat(parts).toString(), 'one');
      assert.equal(decoder.ignoredBytes, second.length);
    }
  });
});
