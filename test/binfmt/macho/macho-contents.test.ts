import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { type MachoSliceFacts, readMachoContents } from '../../../src/binfmt/macho/macho-contents.js';
import { sourceOfBytes } from '../../../src/core/byte-source.js';

const fixture = (name: string) => readFileSync(join(process.cwd(), 'test/fixtures-binaries', name));

function sliceOf(bytes: Uint8Array): MachoSliceFacts {
  const contents = readMachoContents(sourceOfBytes(bytes));
  assert.ok(contents?.slices[0]);
  return contents.slices[0];
}

/** A header and one LC_LOAD_DYLIB, of any class and byte order. */
function small(wide: boolean, little: boolean): Buffer {
  const bytes = Buffer.alloc((wide ? 32 : 28) + 40);
  const words = [
    wide ? 0xfeedfacf : 0xfeedface,
    wide ? 0x01000012 : 18,
    0,
    6,
    1,
    40,
    0x85,
    ...(wide ? [0] : []),
  ];
  for (const [i, word] of [...words, 0xc, 40, 24].entries())
    if (little) bytes.writeUInt32LE(word, 4 * i);
    else bytes.writeUInt32BE(word, 4 * i);
  bytes.write('/old/libx', (wide ? 32 : 28) + 24);
  return bytes;
}

describe('readMachoContents', () => {
  it('shows names, commands and the signature', () => {
    const slice = sliceOf(fixture('libgreet-arm64.dylib'));
    assert.deepEqual([slice.cpu, slice.fileType, slice.class], ['arm64', 'dynamic library', 64]);
    const texts = slice.commands.flatMap(({ command, text }) =>
      text === undefined ? [] : [`${command} ${text}`],
    );
    assert.deepEqual(texts, [
      'LC_SEGMENT_64 __TEXT',
      'LC_SEGMENT_64 __LINKEDIT',
      'LC_RPATH /old/store/greet/lib',
      'LC_RPATH /old/store/other/lib',
      'LC_ID_DYLIB /old/store/greet/lib/libgreet.dylib',
      'LC_LOAD_DYLIB /usr/lib/libSystem.B.dylib',
    ]);
    assert.ok(typeof slice.signature === 'object' && slice.signature.isAdHoc && slice.signature.fits);
    assert.equal(slice.signature.directories[0]?.identifier, 'libgreet-arm64.dylib');
  });

  it('says when pages are not what was signed', () => {
    const bytes = fixture('hello-macho');
    bytes[bytes.indexOf('/old/store')] = 0x2b;
    const { signature } = sliceOf(bytes);
    assert.ok(typeof signature === 'object' && !signature.fits);
  });

  it('shows every slice of a fat file', () => {
    const parts = ['libgreet-arm64.dylib', 'libgreet-x86_64.dylib'].map(fixture);
    const header = Buffer.alloc(4096);
    header.writeUInt32BE(0xcafebabe, 0);
    header.writeUInt32BE(2, 4);
    parts.forEach((part, i) => {
      header.writeUInt32BE(4096 + (i === 0 ? 0 : (parts[0]?.length ?? 0)), 8 + 20 * i + 8);
      header.writeUInt32BE(part.length, 8 + 20 * i + 12);
    });
    const contents = readMachoContents(sourceOfBytes(Buffer.concat([header, ...parts])));
    assert.deepEqual(
      contents?.slices.map(({ cpu, signature }) => [cpu, typeof signature === 'object' && signature.fits]),
      [
        ['arm64', true],
        ['x86_64', true],
      ],
    );
    assert.equal(contents?.problem, undefined);
  });

  for (const wide of [false, true]) {
    for (const little of [false, true]) {
      it(`recognises ${wide ? 64 : 32} bit, ${little ? 'little' : 'big'}-endian`, () => {
        const slice = sliceOf(small(wide, little));
        assert.deepEqual(
          [slice.class, slice.byteOrder, slice.cpu],
          [wide ? 64 : 32, little ? 'little' : 'big', wide ? 'ppc64' : 'ppc'],
        );
        assert.deepEqual(
          slice.commands.map(({ command, text }) => [command, text]),
          [['LC_LOAD_DYLIB', '/old/libx']],
        );
      });
    }
  }

  it('takes what begins like a Mach-O file, however it goes on', () => {
    const bytes = fixture('hello-macho');
    for (let size = 0; size < 1200; size += 3) readMachoContents(sourceOfBytes(bytes.subarray(0, size)));
    for (let at = 4; at < 1200; at++) {
      for (const value of [0, 1, 127, 255]) {
        const changed = Buffer.from(bytes);
        changed[at] = value;
        assert.ok(readMachoContents(sourceOfBytes(changed)));
      }
    }
  });
});
