// Python's tarfile is the oracle of the bytes (Spack packs with it), tar-stream and our own reader read them.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { extract } from 'tar-stream';
import { concatBytes } from '../../src/core/bytes.js';
import { endingAfter, type PackedMember, packHeader, paddingAfter, RECORD_SIZE } from '../../src/tar/pack.js';
import { TarReader } from '../../src/tar/tar-reader.js';
import { readMembers } from '../helpers/unpack-tar.js';

/** Old versions of Python write the numbers of devices as digits, not as NULs. */
const PYTHON_CHECK = "import tarfile; assert tarfile.TarInfo('x').tobuf()[329:345] == bytes(16)";
const withoutPython =
  spawnSync('python3', ['-c', PYTHON_CHECK]).status !== 0 && 'there is no python3 that writes as Spack does';
const GIB = 2 ** 30;

const MEMBERS: readonly PackedMember[] = [
  { type: 'directory', path: 'a', mode: 0o755 },
  { type: 'file', path: 'a/b', mode: 0o644, size: 0 },
  { type: 'file', path: 'a/c', mode: 0o755, size: 8 * GIB - 1 },
  { type: 'file', path: 'a/c', mode: 0o755, size: 8 * GIB },
  { type: 'file', path: `${'n'.repeat(200)}`, mode: 0o755, size: 9 * GIB },
  { type: 'symlink', path: 'a/l', mode: 0o755, linkPath: 'target' },
  { type: 'hardlink', path: 'a/h', mode: 0o644, linkPath: 'a/b' },
  ...[98, 99, 100, 101].flatMap((length): PackedMember[] => [
    { type: 'directory', path: 'd'.repeat(length), mode: 0o755 },
    { type: 'file', path: 'f'.repeat(length), mode: 0o644, size: 3 },
    { type: 'symlink', path: 's', mode: 0o755, linkPath: 't'.repeat(length) },
    { type: 'symlink', path: 's'.repeat(length), mode: 0o755, linkPath: 't'.repeat(length) },
  ]),
  { type: 'file', path: '\xc3\xbc', mode: 0o644, size: 1 },
  { type: 'file', path: `${'x'.repeat(98)}\xc3\xbc\xf0\x9f\x98\x80`, mode: 0o644, size: 1 },
  { type: 'file', path: '\xff', mode: 0o644, size: 1 },
  { type: 'directory', path: 'dir\xe9', mode: 0o755 },
  { type: 'symlink', path: 'l', mode: 0o755, linkPath: '\xfe' },
  { type: 'symlink', path: '\xc3\xa9', mode: 0o755, linkPath: '\xfe' },
  { type: 'hardlink', path: '\xf0\x9f\x98\x80'.repeat(30), mode: 0o755, linkPath: '\xc3\xa9'.repeat(101) },
  { type: 'file', path: 'line\nbreak=x', mode: 0o644, size: 1 },
  { type: 'file', path: `${'p'.repeat(84)}/\xc3\xbc`, mode: 0o644, size: 1 },
];

/** What Python writes before the body of each member. */
function pythonHeaders(members: readonly PackedMember[]): Buffer[] {
  const program = `
import base64, json, sys, tarfile
text = lambda name: name.encode('latin-1').decode('utf-8', 'surrogateescape')
types = {'file': tarfile.REGTYPE, 'directory': tarfile.DIRTYPE, 'symlink': tarfile.SYMTYPE, 'hardlink': tarfile.LNKTYPE}
out = []
for member in json.load(sys.stdin):
    info = tarfile.TarInfo(text(member['path']))
    info.type = types[member['type']]
    info.mode = member['mode']
    info.size = member.get('size', 0)
    info.linkname = text(member.get('linkPath', ''))
    buf = info.tobuf(tarfile.PAX_FORMAT, 'utf-8', 'surrogateescape')
    out.append(base64.b64encode(buf).decode())
json.dump(out, sys.stdout)`;
  const { stdout } = spawnSync('python3', ['-c', program], {
    input: JSON.stringify(members),
    maxBuffer: 1 << 28,
  });
  return (JSON.parse(stdout.toString()) as string[]).map((each) => Buffer.from(each, 'base64'));
}

/** Names of few kinds of characters, around the lengths that matter. */
const names = fc
  .tuple(
    fc.array(
      fc.constantFrom(
        'a',
        'B',
        '-',
        ' ',
        '=',
        '\n',
        '/x',
        '\xc3\xbc',
        '\xf0\x9f\x98\x80',
        '\xff',
        '\xe2\x82',
      ),
      {
        minLength: 1,
        maxLength: 8,
      },
    ),
    fc.constantFrom(0, 0, 80, 90, 95, 100, 240, 990),
  )
  .map(([parts, padding]) => `n${parts.join('')}${'m'.repeat(padding)}`);

const members: fc.Arbitrary<PackedMember> = fc.oneof(
  names.map((path): PackedMember => ({ type: 'directory', path, mode: 0o755 })),
  fc
    .tuple(names, fc.nat({ max: 5000 }))
    .map(([path, size]): PackedMember => ({ type: 'file', path, mode: 0o644, size })),
  fc
    .tuple(names, names, fc.constantFrom('symlink' as const, 'hardlink' as const))
    .map(([path, linkPath, type]): PackedMember => ({ type, path, mode: 0o755, linkPath })),
);

test('packHeader writes the bytes that Python writes', { skip: withoutPython }, () => {
  const all = [...MEMBERS, ...fc.sample(members, { seed: 3, numRuns: 1500 })];
  for (const [index, expected] of pythonHeaders(all).entries()) {
    const member = all[index];
    assert.ok(member !== undefined && expected.equals(packHeader(member)), JSON.stringify(member));
  }
});

test('packHeader writes one block that depends on nothing but the member', () => {
  const header = Buffer.from(packHeader({ type: 'file', path: 'a/b', mode: 0o644, size: 5 }));
  const expected = Buffer.alloc(512);
  expected.write('a/b', 0);
  expected.write(
    ['0000644\0', '0000000\0', '0000000\0', '00000000005\0', '00000000000\0', '        ', '0'].join(''),
    100,
  );
  expected.write('ustar\x0000', 257);
  const sum = expected.reduce((total, byte) => total + byte, 0);
  expected.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  assert.deepEqual(header, expected);
});

/** A whole archive; bodies repeat one byte. */
function archiveOf(list: readonly PackedMember[]): Uint8Array {
  const parts = list.flatMap((member, index) => {
    const size = member.type === 'file' ? member.size : 0;
    return [packHeader(member), new Uint8Array(size).fill(index + 1), new Uint8Array(paddingAfter(size))];
  });
  const content = concatBytes(parts);
  return concatBytes([content, new Uint8Array(endingAfter(content.length))]);
}

test('what is packed can be read again, byte for byte', () => {
  fc.assert(
    fc.property(fc.array(members, { minLength: 1, maxLength: 6 }), (list) => {
      const archive = archiveOf(list);
      assert.equal(archive.length % RECORD_SIZE, 0);
      const read = readMembers(archive);
      assert.equal(read.length, list.length);
      for (const [index, { entry, body }] of read.entries()) {
        const member = list[index];
        assert.ok(member !== undefined);
        assert.deepEqual([entry.type, entry.path, entry.mode], [member.type, member.path, member.mode]);
        if ('linkPath' in member) assert.equal(entry.linkPath, member.linkPath);
        if (member.type === 'file')
          assert.ok(body.length === member.size && body.every((byte) => byte === index + 1));
      }
    }),
    { seed: 4, numRuns: 200 },
  );
});

test('sizes from 8 GiB on are read from the pax header', () => {
  for (const size of [8 * GIB - 1, 8 * GIB, 2 ** 40]) {
    const reader = new TarReader();
    reader.push(packHeader({ type: 'file', path: 'big', mode: 0o644, size }));
    const event = reader.next();
    assert.ok(event?.type === 'entry' && event.entry.size === size);
  }
});

test('tar-stream reads names, links and bodies', async () => {
  const list = MEMBERS.filter(
    (member) => !('size' in member && member.size > GIB) && /^[\0-\x7f]*$/.test(member.path),
  );
  const utf8: PackedMember[] = [
    { type: 'file', path: 'share/\xc3\xbcn\xc3\xaf \xf0\x9f\x98\x80', mode: 0o644, size: 700 },
  ];
  const seen: unknown[] = [];
  const reader = extract();
  reader.on('entry', (header, stream, next) => {
    seen.push([
      header.type,
      Buffer.from(header.name, 'utf8').toString('latin1'),
      header.size,
      header.linkname ?? null,
    ]);
    stream.resume();
    stream.on('end', next);
  });
  const done = new Promise<void>((resolve, reject) =>
    reader.on('finish', () => resolve()).on('error', reject),
  );
  const all = [
    ...list.filter((member) => !('linkPath' in member) || /^[\0-\x7f]*$/.test(member.linkPath)),
    ...utf8,
  ];
  Readable.from([archiveOf(all)]).pipe(reader);
  await done;
  const types = { file: 'file', directory: 'directory', symlink: 'symlink', hardlink: 'link' };
  const expected = all.map((member) => [
    types[member.type],
    member.type === 'directory' ? `${member.path}/` : member.path,
    member.type === 'file' ? member.size : 0,
    'linkPath' in member ? member.linkPath : null,
  ]);
  assert.deepEqual(seen, expected);
});

test('endingAfter fills the last record', () => {
  const record = RECORD_SIZE;
  assert.equal(endingAfter(record - 1024), 1024);
  assert.equal(endingAfter(record - 512), 512 + record);
  assert.equal(endingAfter(record), record);
  assert.equal(endingAfter(512), record - 512);
});
