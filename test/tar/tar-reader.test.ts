// The reader against archives made byte by byte, by tar-stream, and by Python's tarfile, at every split of the input.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { pack } from 'tar-stream';
import { TarReader } from '../../src/tar/tar-reader.js';
import { cut } from '../helpers/stream-source.js';
import {
  base256,
  GNU,
  gnuLong,
  paxMember,
  tarArchive,
  tarHeader,
  tarMember,
  V7,
} from '../helpers/tar-builder.js';
import { type ListedMember, listMembers, listWithTarStream } from '../helpers/tar-listing.js';

const SPLITS = [1, 7, 511, 512, 513] as const;

/** Lists an archive at every split, and checks that the split does not matter. */
function listEverywhere(archive: Uint8Array): ListedMember[] {
  const whole = listMembers(archive);
  for (const size of SPLITS) assert.deepEqual(listMembers(archive, size), whole, `in pieces of ${size}`);
  return whole;
}

const sha256 = (bytes: string | Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const LONG = `${'directory-with-a-name/'.repeat(12)}file`;
const RAW = `caf\xe9/${'\xff\xfe'.repeat(60)}`;

interface Case {
  readonly archive: Uint8Array;
  readonly expected: readonly Partial<ListedMember>[];
  /** What tar-stream cannot read as we do. */
  readonly noOracle?: true;
}

const CASES: Readonly<Record<string, Case>> = {
  'files, directories and links': {
    archive: tarArchive(
      { name: 'd/', type: '5', mode: 0o755 },
      { name: 'd/f', body: 'hello', mode: 0o4755, mtime: 7 },
      { name: 'd/s', type: '2', linkname: 'f' },
      { name: 'd/h', type: '1', linkname: 'd/f' },
    ),
    expected: [
      { path: 'd', type: 'directory', mode: 0o755, size: 0 },
      { path: 'd/f', type: 'file', mode: 0o4755, size: 5, mtime: 7, sha256: sha256('hello') },
      { path: 'd/s', type: 'symlink', linkPath: 'f' },
      { path: 'd/h', type: 'hardlink', linkPath: 'd/f' },
    ],
  },
  'bodies around a block': {
    archive: tarArchive(
      ...[0, 1, 511, 512, 513, 1024, 5000].map((size) => ({ name: `f${size}`, body: 'x'.repeat(size) })),
    ),
    expected: [0, 1, 511, 512, 513, 1024, 5000].map((size) => ({
      path: `f${size}`,
      size,
      sha256: sha256('x'.repeat(size)),
    })),
  },
  'pax path and linkpath': {
    archive: tarArchive(
      paxMember({ path: LONG }),
      { name: LONG, body: '1' },
      paxMember({ path: `${LONG}-link`, linkpath: LONG }),
      { name: 'cut', type: '2', linkname: 'cut' },
      { name: 'plain', body: '2' },
    ),
    expected: [
      { path: LONG, type: 'file', size: 1 },
      { path: `${LONG}-link`, type: 'symlink', linkPath: LONG },
      { path: 'plain', type: 'file', size: 1 },
    ],
  },
  'pax names of raw bytes': {
    archive: tarArchive(
      paxMember([
        ['hdrcharset', 'BINARY'],
        ['path', RAW],
        ['linkpath', RAW],
      ]),
      { name: '?', type: '2', linkname: '?' },
    ),
    expected: [{ path: RAW, type: 'symlink', linkPath: RAW }],
    noOracle: true,
  },
  'pax size': {
    archive: tarArchive(
      Buffer.concat([
        paxMember({ size: '700' }),
        tarHeader({ name: 'big', size: 0 }),
        Buffer.alloc(1024, 'b'),
      ]),
      { name: 'after', body: 'x' },
    ),
    expected: [
      { path: 'big', size: 700, sha256: sha256('b'.repeat(700)) },
      { path: 'after', size: 1 },
    ],
  },
  'a pax path of a directory ends in a slash': {
    archive: tarArchive(paxMember({ path: `${LONG}/` }), { name: 'cut', type: '5' }),
    expected: [{ path: LONG, type: 'directory' }],
  },
  'global pax headers': {
    archive: tarArchive(
      paxMember({ comment: 'made by hand', linkpath: 'everywhere' }, { global: true }),
      { name: 'a', type: '2', linkname: 'x' },
      paxMember({ linkpath: 'here' }),
      { name: 'b', type: '2', linkname: 'x' },
      paxMember({ linkpath: 'later' }, { global: true }),
      { name: 'c', type: '2', linkname: 'x' },
    ),
    expected: [
      { path: 'a', linkPath: 'everywhere' },
      { path: 'b', linkPath: 'here' },
      { path: 'c', linkPath: 'later' },
    ],
    noOracle: true,
  },
  'a pax header of several blocks, and of the old type flag': {
    archive: tarArchive(
      paxMember([
        ['comment', 'c'.repeat(3000)],
        ['path', 'first'],
      ]),
      { name: 'x', body: '1' },
      tarMember({ name: 'h', type: 'X', body: '15 path=second\n' }),
      { name: 'x', body: '22' },
    ),
    expected: [
      { path: 'first', size: 1 },
      { path: 'second', size: 2 },
    ],
    noOracle: true,
  },
  'GNU long names': {
    archive: tarArchive(
      gnuLong('L', LONG),
      { name: LONG, magic: GNU, body: 'x' },
      gnuLong('K', LONG),
      gnuLong('L', `${LONG}-link`),
      { name: 'cut', magic: GNU, type: '2', linkname: 'cut' },
      { name: 'short', magic: GNU, body: 'y' },
    ),
    expected: [
      { path: LONG, type: 'file', size: 1 },
      { path: `${LONG}-link`, type: 'symlink', linkPath: LONG },
      { path: 'short', type: 'file', linkPath: undefined },
    ],
  },
  'sizes in base 256': {
    archive: tarArchive({ name: 'f', magic: GNU, size: base256(600), body: 'z'.repeat(600) }, { name: 'g' }),
    expected: [{ path: 'f', size: 600, sha256: sha256('z'.repeat(600)) }, { path: 'g' }],
  },
  'old v7 headers': {
    archive: tarArchive(
      { name: 'd/', magic: V7, type: '\0' },
      { name: 'd/f', magic: V7, type: '\0', body: 'old' },
      { name: 'd/l', magic: V7, type: '1', linkname: 'd/f' },
    ),
    expected: [
      { path: 'd', type: 'directory', size: 0 },
      { path: 'd/f', type: 'file', size: 3 },
      { path: 'd/l', type: 'hardlink', linkPath: 'd/f' },
    ],
    noOracle: true,
  },
  'the ustar prefix field': {
    archive: tarArchive({ name: 'n'.repeat(100), prefix: `p${'/q'.repeat(70)}`, body: '1' }),
    expected: [{ path: `p${'/q'.repeat(70)}/${'n'.repeat(100)}`, size: 1 }],
  },
  'signed checksums': {
    archive: tarArchive({ name: '\xe9\xe9', checksum: 'signed', body: 'x' }, { name: 'b' }),
    expected: [{ path: '\xe9\xe9', size: 1 }, { path: 'b' }],
    noOracle: true,
  },
  'a hard link with a size has no body': {
    archive: tarArchive(
      { name: 'f', body: 'x' },
      tarHeader({ name: 'h', type: '1', linkname: 'f', size: 0 }),
      {
        name: 'g',
        body: 'y',
      },
    ),
    expected: [{ path: 'f' }, { path: 'h', type: 'hardlink', size: 0 }, { path: 'g', size: 1 }],
  },
  'types that are not extracted keep their place': {
    archive: tarArchive(
      { name: 'c', type: '3' },
      { name: 'b', type: '4' },
      { name: 'p', type: '6' },
      { name: 'v', type: 'V', body: 'a volume label?' },
      { name: 'f', body: 'x' },
    ),
    expected: [
      { path: 'c', type: 'character-device' },
      { path: 'b', type: 'block-device' },
      { path: 'p', type: 'fifo' },
      { path: 'v', type: 'unknown', size: 15 },
      { path: 'f', type: 'file', size: 1 },
    ],
    noOracle: true,
  },
};

describe('TarReader', () => {
  for (const [name, { archive, expected, noOracle }] of Object.entries(CASES)) {
    it(`reads ${name}, at every split`, async () => {
      const members = listEverywhere(archive);
      assert.equal(members.length, expected.length);
      for (const [i, wanted] of expected.entries())
        assert.deepEqual({ ...members[i], ...wanted }, members[i]);
      if (!noOracle) assert.deepEqual(members, await listWithTarStream(archive), 'as tar-stream reads it');
    });
  }

  it('gives the bodies as views of what was pushed', () => {
    const archive = tarArchive({ name: 'f', body: 'x'.repeat(2000) });
    const reader = new TarReader();
    reader.push(archive);
    assert.equal(reader.next()?.type, 'entry');
    const event = reader.next();
    assert.ok(event?.type === 'data' && event.bytes.buffer === archive.buffer);
  });

  it('takes an archive without its end blocks', () => {
    const archive = tarArchive({ name: 'f', body: 'x' });
    for (const end of [archive.length - 512, archive.length - 1024])
      assert.equal(listMembers(archive.subarray(0, end)).length, 1);
  });

  it('ignores what follows the end of the archive', () => {
    const archive = Buffer.concat([tarArchive({ name: 'f' }), Buffer.from('garbage'.repeat(200))]);
    assert.deepEqual(
      listEverywhere(archive).map(({ path }) => path),
      ['f'],
    );
  });

  it('tells that it has ended, and where it is', () => {
    const reader = new TarReader();
    const archive = tarArchive({ name: 'f', body: 'x' });
    const offsets: number[] = [];
    for (const chunk of cut(archive, 500)) {
      assert.equal(reader.ended, offsets.length * 500 >= 1536, 'the first block of zeros ends it');
      reader.push(chunk);
      while (reader.next() !== undefined);
      offsets.push(reader.offset);
    }
    assert.ok(reader.ended);
    assert.deepEqual(offsets, [500, 1000, 1500, 2000, 2048]);
  });

  it('reads an archive of nothing but its end', () => assert.deepEqual(listEverywhere(tarArchive()), []));

  it('refuses to lose bytes of a push that were not asked for', () => {
    const reader = new TarReader();
    reader.push(tarArchive({ name: 'f' }));
    assert.throws(() => reader.push(new Uint8Array(1)), TypeError);
  });
});

const NAME = fc
  .array(
    fc.constantFrom('a', 'bin', 'ü', 'x'.repeat(40), 'y'.repeat(99), '日本', ' ', 'with space', '#', '%s'),
    { minLength: 1, maxLength: 6 },
  )
  .map((parts) => parts.join('/'));

const MEMBER = fc.record({
  name: NAME,
  type: fc.constantFrom('file', 'directory', 'symlink', 'link'),
  mode: fc.integer({ min: 1, max: 0o7777 }),
  mtime: fc.integer({ min: 0, max: 2 ** 31 - 1 }),
  linkname: NAME,
  body: fc.uint8Array({ maxLength: 1500 }),
});

describe('TarReader and tar-stream', () => {
  it('agree about any archive that tar-stream makes', async () => {
    const split = fc.constantFrom(1, 7, 100, 511, 512, 513, 5000);
    await fc.assert(
      fc.asyncProperty(fc.array(MEMBER, { maxLength: 6 }), split, async (sketches, size) => {
        const packer = pack();
        for (const { name, type, mode, mtime, linkname, body } of sketches) {
          const header = { name, type, mode, mtime: new Date(mtime * 1000) } as const;
          if (type === 'file') packer.entry(header as never, Buffer.from(body));
          else packer.entry({ ...header, linkname } as never);
        }
        packer.finalize();
        const parts: Buffer[] = [];
        for await (const part of packer) parts.push(part as Buffer);
        const latin1 = (text: string) => Buffer.from(text).toString('latin1');
        const expected = sketches.map(({ name, type, mode, mtime, linkname, body }) => ({
          path: latin1(name),
          type: type === 'link' ? 'hardlink' : type,
          mode,
          size: type === 'file' ? body.length : 0,
          mtime,
          linkPath: type === 'symlink' || type === 'link' ? latin1(linkname) : undefined,
          sha256: type === 'file' ? sha256(body) : undefined,
        }));
        assert.deepEqual(listMembers(Buffer.concat(parts), size), expected);
      }),
      { seed: 11, numRuns: 150 },
    );
  });
});

const MAKE_WITH_PYTHON = `
import io, sys, tarfile
kind = {'pax': tarfile.PAX_FORMAT, 'gnu': tarfile.GNU_FORMAT, 'ustar': tarfile.USTAR_FORMAT}[sys.argv[1]]
out = tarfile.open(fileobj=sys.stdout.buffer, mode='w|', format=kind, encoding='utf-8', errors='surrogateescape')
def add(name, body=None, **more):
    info = tarfile.TarInfo(name)
    for key, value in more.items(): setattr(info, key, value)
    if body is not None: info.size = len(body)
    out.addfile(info, io.BytesIO(body) if body is not None else None)
long = 'd' * 60 + '/' + 'e' * 60 + '/' + 'f' * 20
add('dir', type=tarfile.DIRTYPE, mode=0o2755, mtime=5)
add('dir/file', b'x' * 1000, mode=0o755, mtime=1700000000)
add(long, b'long')
add('link', type=tarfile.SYMTYPE, linkname='dir/file')
add('hard', type=tarfile.LNKTYPE, linkname=long if kind != tarfile.USTAR_FORMAT else 'dir/file')
if kind != tarfile.USTAR_FORMAT:
    add('n' * 300, b'one')
    add('deep', type=tarfile.SYMTYPE, linkname='t' * 300)
    add('caf\\u00e9', b'two')
    add('raw\\udcff\\udcfe', b'three')
    add('raw-link', type=tarfile.SYMTYPE, linkname='raw\\udcff')
out.close()
`;
const hasPython = spawnSync('python3', ['-c', 'import tarfile']).status === 0;

describe("TarReader and Python's tarfile", { skip: !hasPython && 'there is no python3' }, () => {
  for (const format of ['pax', 'gnu', 'ustar']) {
    it(`agree about the ${format} format`, () => {
      const { stdout, status } = spawnSync('python3', ['-c', MAKE_WITH_PYTHON, format]);
      assert.equal(status, 0);
      const long = `${'d'.repeat(60)}/${'e'.repeat(60)}/${'f'.repeat(20)}`;
      const members = listEverywhere(stdout);
      const facts = members.map(({ path, type, size, linkPath }) => [path, type, linkPath ?? size]);
      assert.deepEqual(facts, [
        ['dir', 'directory', 0],
        ['dir/file', 'file', 1000],
        [long, 'file', 4],
        ['link', 'symlink', 'dir/file'],
        ['hard', 'hardlink', format === 'ustar' ? 'dir/file' : long],
        ...(format === 'ustar'
          ? []
          : [
              ['n'.repeat(300), 'file', 3],
              ['deep', 'symlink', 't'.repeat(300)],
              ['caf\xc3\xa9', 'file', 3],
              ['raw\xff\xfe', 'file', 5],
              ['raw-link', 'symlink', 'raw\xff'],
            ]),
      ]);
      assert.deepEqual([members[0]?.mode, members[0]?.mtime], [0o2755, 5]);
      assert.deepEqual([members[1]?.mode, members[1]?.mtime], [0o755, 1700000000]);
      assert.equal(members[1]?.sha256, sha256('x'.repeat(1000)));
    });
  }
});

describe('TarReader.skipBody', () => {
  it('leaves out bodies, whether they were pushed or not', () => {
    for (const [name, { archive }] of Object.entries(CASES)) {
      const expected = listMembers(archive).map(({ path }) => path);
      for (const size of [512, 513, 1500, archive.length]) {
        const reader = new TarReader();
        const found: string[] = [];
        while (!reader.ended && reader.offset < archive.length) {
          const { offset } = reader;
          reader.push(archive.subarray(offset, offset + size));
          for (let event = reader.next(); event !== undefined; event = reader.next()) {
            assert.equal(event.type, 'entry');
            if (event.type === 'entry') found.push(event.entry.path);
            reader.skipBody();
          }
        }
        reader.finish();
        assert.deepEqual(found, expected, `${name}, ${size}`);
      }
    }
    assert.throws(() => new TarReader().skipBody(), TypeError);
  });
});
