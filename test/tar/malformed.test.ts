// Archives that are broken or lie: the reader ends with members or with a coded error, never with anything else.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ArchiveError } from '../../src/core/errors.js';
import { TarReader } from '../../src/tar/tar-reader.js';
import { cut } from '../helpers/stream-source.js';
import {
  BLOCK,
  base256,
  END,
  GNU,
  gnuLong,
  paxMember,
  tarArchive,
  tarHeader,
  tarMember,
} from '../helpers/tar-builder.js';
import { listMembers } from '../helpers/tar-listing.js';

/** What the reader says of an archive at several splits: a code, or how many members there are. */
function outcomeOf(archive: Uint8Array, splits: readonly number[] = [1, 513]): string | number {
  const outcomes = [archive.length, ...splits].map((size) => {
    try {
      return listMembers(archive, size).length;
    } catch (error) {
      assert.ok(error instanceof ArchiveError, `${error}`);
      assert.match(error.message, /^[A-Z].*[^.]$/s);
      return error.code;
    }
  });
  assert.equal(new Set(outcomes).size, 1, `the same at every split: ${outcomes}`);
  return outcomes[0] ?? '';
}

const SAMPLE = Buffer.concat([
  tarMember({ name: 'd/', type: '5' }),
  paxMember({ path: 'a/long/name', size: '600' }),
  tarHeader({ name: 'cut', size: 0 }),
  Buffer.alloc(1024, 'x'),
  gnuLong('L', 'n'.repeat(120)),
  tarMember({ name: 'n'.repeat(100), magic: GNU, body: 'y' }),
]);

describe('an archive that ends early', () => {
  it('is truncated wherever it ends, but between members', () => {
    const archive = Buffer.concat([SAMPLE, END]);
    const boundaries = new Map([
      [BLOCK, 1],
      [BLOCK * 6, 2],
      [SAMPLE.length, 3],
    ]);
    for (let end = 0; end <= archive.length; end++) {
      const wanted =
        boundaries.get(end) ?? (end >= SAMPLE.length + BLOCK ? 3 : ('tar-truncated' as string | number));
      assert.equal(outcomeOf(archive.subarray(0, end), [700]), wanted, `cut at ${end}`);
    }
  });

  it('is empty', () => assert.equal(outcomeOf(new Uint8Array(0)), 'tar-truncated'));

  it('says where it ends', () => {
    assert.throws(() => listMembers(SAMPLE.subarray(0, 700), 100), {
      code: 'tar-truncated',
      data: { offset: 700 },
    });
  });
});

describe('a malformed archive', () => {
  const bad = { text: '000001\0 ' };
  const cases: Readonly<Record<string, readonly [Uint8Array, string | number]>> = {
    'a header with a wrong checksum': [tarArchive({ checksum: bad }), 'tar-header'],
    'a second header with a wrong checksum': [
      tarArchive({ name: 'a', body: 'x' }, { checksum: bad }),
      'tar-header',
    ],
    'a pax header with a wrong checksum': [
      tarArchive(tarMember({ type: 'x', body: '9 path=x\n', checksum: bad }), { name: 'a' }),
      'tar-header',
    ],
    'text in place of an archive': [Buffer.from('<!doctype html>'.padEnd(1024)), 'tar-header'],
    'a pax header that claims a terabyte': [
      tarArchive(tarHeader({ type: 'x', size: base256(2 ** 40) })),
      'tar-too-large',
    ],
    'a global header that claims a gigabyte': [
      tarArchive(tarHeader({ type: 'g', size: 2 ** 30 })),
      'tar-too-large',
    ],
    'a long name that claims a gigabyte': [
      tarArchive(tarHeader({ type: 'L', size: 2 ** 30 })),
      'tar-too-large',
    ],
    'a long link name one byte too long': [
      tarArchive(tarHeader({ type: 'K', size: (1 << 20) + 1 })),
      'tar-too-large',
    ],
    'a member larger than the archive': [tarArchive(tarHeader({ size: 2 ** 33 - 1 })), 'tar-truncated'],
    'a member of the largest size there is': [
      tarArchive(tarHeader({ size: base256(Number.MAX_SAFE_INTEGER) })),
      'tar-truncated',
    ],
    'a pax size larger than the archive': [
      tarArchive(paxMember({ size: `${2 ** 50}` }), { name: 'a' }),
      'tar-truncated',
    ],
    'a pax size that is no number': [tarArchive(paxMember({ size: 'huge' }), { name: 'a' }), 'tar-pax'],
    'a negative pax size': [tarArchive(paxMember({ size: '-512' }), { name: 'a' }), 'tar-pax'],
    'a pax size smaller than the body': [
      tarArchive(paxMember({ size: '1' }), { name: 'a', body: 'x'.repeat(600) }),
      'tar-header',
    ],
    'a pax record whose length lies': [
      tarArchive(tarMember({ type: 'x', body: '99 path=x\n' }), { name: 'a' }),
      'tar-pax',
    ],
    'a pax record without end': [
      tarArchive(tarMember({ type: 'x', body: '9 path=xx' }), { name: 'a' }),
      'tar-pax',
    ],
    'a pax header without a member': [tarArchive(paxMember({ path: 'x' })), 'tar-header'],
    'a pax header of unknown words without a member': [tarArchive(paxMember({ comment: 'x' })), 'tar-header'],
    'a long name without a member': [tarArchive({ name: 'a' }, gnuLong('L', 'x')), 'tar-header'],
    'a pax header at the very end': [
      Buffer.concat([tarMember({ name: 'a' }), paxMember({ comment: 'x' })]),
      'tar-truncated',
    ],
    'an old GNU sparse file': [tarArchive({ name: 's', magic: GNU, type: 'S', body: 'map' }), 1],
    'a directory that has a body': [tarArchive({ name: 'd', type: '5', body: 'not skipped' }), 'tar-header'],
  };
  for (const [name, [archive, expected]] of Object.entries(cases))
    it(`is ${name}: ${expected}`, () => assert.equal(outcomeOf(archive), expected));
});

describe('sparse files', () => {
  const sketches: Readonly<Record<string, Uint8Array>> = {
    'of old GNU tar': tarArchive({ name: 's', magic: GNU, type: 'S', body: 'map' }),
    'of pax, format 0.1': tarArchive(paxMember({ 'GNU.sparse.map': '0,1' }), { name: 's', body: 'x' }),
    'of pax, format 1.0': tarArchive(
      paxMember({ 'GNU.sparse.major': '1', 'GNU.sparse.minor': '0', 'GNU.sparse.name': 's' }),
      { name: 'GNUSparseFile.0/s', body: 'x' },
    ),
  };
  for (const [name, archive] of Object.entries(sketches))
    it(`${name} are of no known type`, () => assert.equal(listMembers(archive)[0]?.type, 'unknown'));
});

describe('header bombs', () => {
  it('of many pax headers keep only the last', () => {
    const archive = Buffer.concat([
      ...Array.from({ length: 500 }, (_, i) => paxMember({ path: `p${i}`, [`k${i}`]: 'v'.repeat(1000) })),
      tarArchive({ name: 'a' }),
    ]);
    assert.deepEqual(
      listMembers(archive).map(({ path }) => path),
      ['p499'],
    );
  });

  it('of a name made of slashes takes no more than linear time', () => {
    const begin = performance.now();
    const name = `${'/'.repeat(500_000)}x`;
    assert.equal(listMembers(tarArchive(paxMember({ path: name }), {})).length, 1);
    assert.ok(performance.now() - begin < 2000);
  });

  it('of a pax header in single bytes is read in linear time', () => {
    const archive = tarArchive(paxMember({ path: 'x'.repeat(100_000) }), {});
    const begin = performance.now();
    assert.equal(listMembers(archive, 1)[0]?.path.length, 100_000);
    assert.ok(performance.now() - begin < 5000);
  });
});

describe('any bytes', () => {
  it('end with members or a coded error', () => {
    const pieces = [
      tarMember({ name: 'f', body: 'x'.repeat(700) }),
      tarMember({ name: 'd', type: '5' }),
      tarMember({ name: 'l', type: '2', linkname: '../../x' }),
      tarHeader({ name: 'h', type: '1', linkname: 'f' }),
      paxMember({ path: 'p', size: '3' }),
      paxMember({ linkpath: 'q' }, { global: true }),
      gnuLong('L', 'long'),
      gnuLong('K', 'link'),
      tarHeader({ name: 'big', size: 1 << 20 }),
      END.subarray(0, BLOCK),
      Buffer.alloc(BLOCK, 'j'),
    ];
    const archive = fc
      .array(fc.constantFrom(...pieces), { maxLength: 8 })
      .map((parts) => Buffer.concat(parts));
    const edits = fc.array(fc.tuple(fc.nat(6000), fc.nat(255)), { maxLength: 3 });
    fc.assert(
      fc.property(archive, edits, fc.integer({ min: 1, max: 1500 }), (bytes, changes, size) => {
        const changed = Buffer.from(bytes);
        for (const [at, value] of changes) if (at < changed.length) changed[at] = value;
        const reader = new TarReader();
        let events = 0;
        try {
          for (const chunk of cut(changed, size)) {
            reader.push(chunk);
            while (reader.next() !== undefined) events++;
          }
          reader.finish();
        } catch (error) {
          assert.ok(error instanceof ArchiveError, `${error}`);
        }
        assert.ok(events <= changed.length + 10, 'no event comes out of nothing');
      }),
      { seed: 23, numRuns: 1500 },
    );
  });
});
