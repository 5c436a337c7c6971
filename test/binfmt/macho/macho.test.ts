// Mach-O files (test/fixtures-binaries, made by make-macho.sh): names in load commands, fat files, ad-hoc signatures, what LLVM's
// tools say where they are installed, and damaged files.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import fc from 'fast-check';
import { type CodeSignature, readCodeSignature } from '../../../src/binfmt/macho/codesign.js';
import {
  LC_RPATH,
  type MachoFile,
  type MachoSlice,
  NAME_COMMANDS,
  readMacho,
} from '../../../src/binfmt/macho/macho.js';
import { sourceOfBytes } from '../../../src/core/byte-source.js';
import { fromLatin1, toLatin1 } from '../../../src/core/bytes.js';
import { BuildcacheError, RelocationError } from '../../../src/core/errors.js';
import { MemoryFile } from '../../../src/core/memory-file.js';
import type { FileOrigin } from '../../../src/relocation/engine.js';
import { JsEngine } from '../../../src/relocation/engines/js.js';
import { BinaryRelocator } from '../../../src/relocation/files/binary-relocator.js';

const FIXTURES = join(process.cwd(), 'test', 'fixtures-binaries');
const LIBRARIES = ['libgreet-arm64.dylib', 'libgreet-x86_64.dylib'];
const ALL = [...LIBRARIES, 'hello-macho'];
const ENGINE = new JsEngine();

const folder = mkdtempSync(join(tmpdir(), 'regraft-macho-'));
after(() => rmSync(folder, { recursive: true, force: true }));

function fixture(name: string): Buffer {
  return readFileSync(join(FIXTURES, name));
}

/** Both libraries in one file, each on a page of its own. */
function fatFixture(): Buffer {
  const page = 0x4000;
  const parts = LIBRARIES.map(fixture);
  const header = Buffer.alloc(page);
  header.writeUInt32BE(0xcafebabe, 0);
  header.writeUInt32BE(parts.length, 4);
  let offset = page;
  parts.forEach((part, i) => {
    const at = 8 + 20 * i;
    header.writeUInt32BE(part.readUInt32LE(4), at);
    header.writeUInt32BE(part.readUInt32LE(8), at + 4);
    header.writeUInt32BE(offset, at + 8);
    header.writeUInt32BE(part.length, at + 12);
    header.writeUInt32BE(14, at + 16);
    offset += Math.ceil(part.length / page) * page;
  });
  const padded = parts.map((part) =>
    Buffer.concat([part, Buffer.alloc((page - (part.length % page)) % page)]),
  );
  const fat = Buffer.concat([header, ...padded]);
  return fat.subarray(0, header.readUInt32BE(8 + 20 + 8) + (parts[1]?.length ?? 0));
}

interface Options {
  readonly replaceIdentity?: boolean;
  readonly origin?: FileOrigin;
}

function relocated(bytes: Uint8Array, pairs: readonly (readonly [string, string])[], options: Options = {}) {
  const copy = Buffer.from(bytes);
  const relocator = new BinaryRelocator({
    engine: ENGINE,
    mapping: pairs,
    cStringMapping: pairs,
    rewriteInterpreter: true,
    replaceIdentity: options.replaceIdentity ?? false,
  });
  const file = new MemoryFile(copy);
  const { edits, strings } = relocator.relocate({ name: 'library', file, origin: options.origin });
  return { bytes: copy, isChanged: edits.length + strings > 0 };
}

function parsed(bytes: Uint8Array): MachoFile {
  const file = readMacho(sourceOfBytes(bytes));
  assert.ok(file && !('problem' in file));
  return file;
}

function onlySlice(bytes: Uint8Array): MachoSlice {
  const [slice] = parsed(bytes).slices;
  assert.ok(slice);
  return slice;
}

function namesOf(slice: MachoSlice): readonly string[] {
  return slice.names.map(({ command, value }) => `${command} ${toLatin1(value)}`).sort();
}

function signatureOf(bytes: Uint8Array, slice: MachoSlice): CodeSignature {
  const signature = readCodeSignature(sourceOfBytes(bytes), slice);
  assert.ok(signature && !('problem' in signature));
  return signature;
}

/** The pages of a slice, hashed here. */
function checkPages(bytes: Buffer, slice: MachoSlice): void {
  for (const { hashesAt, pages, pageSize, codeLimit } of signatureOf(bytes, slice).directories) {
    for (let page = 0; page < pages; page++) {
      const start = slice.offset + page * pageSize;
      const end = Math.min(start + pageSize, slice.offset + codeLimit);
      const expected = createHash('sha256').update(bytes.subarray(start, end)).digest('hex');
      const at = slice.offset + hashesAt + 32 * page;
      assert.equal(bytes.toString('hex', at, at + 32), expected, `page ${page}`);
    }
  }
}

/** Makes the signature look like one of a real identity: a blob in the slot of the CMS signature, and no ad-hoc flag. */
function withIdentity(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  const slice = onlySlice(copy);
  const [directory] = signatureOf(copy, slice).directories;
  assert.ok(directory);
  copy.writeUInt32BE(0, directory.offset + 12);
  return copy;
}

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof RelocationError, String(error));
    return error.code;
  }
  return 'no error';
}

const SHORTER = [['/old/store', '/n']] as const;

describe('Mach-O relocation', () => {
  for (const name of LIBRARIES) {
    it(`replaces the names and strings of ${name}, and signs it again`, () => {
      const { bytes, isChanged } = relocated(fixture(name), SHORTER);
      assert.ok(isChanged);
      assert.deepEqual(namesOf(onlySlice(bytes)), [
        'LC_ID_DYLIB /n/greet/lib/libgreet.dylib',
        'LC_LOAD_DYLIB /usr/lib/libSystem.B.dylib',
        'LC_RPATH /n/greet/lib',
        'LC_RPATH /n/other/lib',
      ]);
      assert.ok(!bytes.includes('/old/store'.concat('/greet/lib')));
      checkPages(bytes, onlySlice(bytes));
      const [before, now] = [fixture(name), bytes].map(
        (each) => signatureOf(each, onlySlice(each)).directories[0],
      );
      assert.equal(now?.identifier, before?.identifier);
      assert.equal(now?.flags, before?.flags);
    });
  }

  it('replaces the names of libraries of every kind', () => {
    const before = fixture('hello-macho');
    const slice = onlySlice(before);
    const at = slice.commands.find(({ cmd }) => cmd === 0x0c)?.offset ?? 0;
    for (const [kind, name] of NAME_COMMANDS) {
      if (kind === LC_RPATH) continue;
      const bytes = Buffer.from(before);
      bytes.writeUInt32LE(kind, at);
      const names = namesOf(onlySlice(relocated(bytes, SHORTER).bytes));
      assert.ok(names.includes(`${name} /n/greet/lib/libgreet.dylib`), names.join());
    }
  });

  it('names an rpath once when two become one', () => {
    const pairs = [
      ['/old/store/greet', '/n'],
      ['/old/store/other', '/n'],
    ] as const;
    const { bytes } = relocated(fixture('libgreet-arm64.dylib'), pairs);
    assert.deepEqual(
      namesOf(onlySlice(bytes)).filter((name) => name.startsWith('LC_RPATH')),
      ['LC_RPATH /n/lib'],
    );
    checkPages(bytes, onlySlice(bytes));
  });

  it('takes a new prefix that begins with the old one', () => {
    const { bytes } = relocated(fixture('hello-macho'), [['/old/store/greet', '/old/store/greet2']]);
    assert.deepEqual(namesOf(onlySlice(bytes)).slice(0, 1), [
      'LC_LOAD_DYLIB /old/store/greet2/lib/libgreet.dylib',
    ]);
    checkPages(bytes, onlySlice(bytes));
  });

  it('makes names relative to the file, where the cache has them so', () => {
    const origin = { old: '/old/store/greet/bin', new: '/n/greet-1/bin', root: '/n' };
    const mapping = [
      ['/old/store/greet', '/n/greet-1'],
      ['/old/store', '/n'],
    ] as const;
    const places = {
      old: fromLatin1(origin.old),
      new: fromLatin1(origin.new),
      root: fromLatin1(origin.root),
    };
    const program = relocated(fixture('hello-macho'), mapping, { origin: places });
    assert.deepEqual(namesOf(onlySlice(program.bytes)), [
      'LC_LOAD_DYLIB /usr/lib/libSystem.B.dylib',
      'LC_LOAD_DYLIB @loader_path/../lib/libgreet.dylib',
      'LC_RPATH @loader_path/../lib',
    ]);
    checkPages(program.bytes, onlySlice(program.bytes));
    const library = relocated(fixture('libgreet-arm64.dylib'), mapping, { origin: places });
    assert.deepEqual(namesOf(onlySlice(library.bytes)), [
      'LC_ID_DYLIB @rpath/libgreet.dylib',
      'LC_LOAD_DYLIB /usr/lib/libSystem.B.dylib',
      'LC_RPATH @loader_path/../../other/lib',
      'LC_RPATH @loader_path/../lib',
    ]);
  });

  it('lets names grow into the padding behind the load commands', () => {
    const before = fixture('hello-macho');
    const { bytes } = relocated(before, [['/old/store/greet/lib', '/a/longer/store/greet/lib']]);
    assert.deepEqual(namesOf(onlySlice(bytes)), [
      'LC_LOAD_DYLIB /a/longer/store/greet/lib/libgreet.dylib',
      'LC_LOAD_DYLIB /usr/lib/libSystem.B.dylib',
      'LC_RPATH /a/longer/store/greet/lib',
      'LC_RPATH @loader_path/../lib',
    ]);
    const [first] = parsed(before).slices;
    assert.ok(onlySlice(bytes).head.length > (first?.head.length ?? 0));
    checkPages(bytes, onlySlice(bytes));
  });

  it('refuses names for which the padding does not suffice, and changes nothing', () => {
    const bytes = fixture('hello-macho');
    const longer = [['/old/store/greet', `/${'longer/'.repeat(40)}greet`]] as const;
    assert.equal(
      codeOf(() => relocated(bytes, longer)),
      'macho-no-room',
    );
  });

  it('drops an rpath that becomes the same as another', () => {
    const { bytes } = relocated(fixture('libgreet-arm64.dylib'), [
      ['/old/store/greet/lib', '/n/lib'],
      ['/old/store/other/lib', '/n/lib'],
      ['/old/store', '/n'],
    ]);
    assert.deepEqual(
      namesOf(onlySlice(bytes)).filter((name) => name.startsWith('LC_RPATH')),
      ['LC_RPATH /n/lib'],
    );
  });

  it('takes the first mapping that matches', () => {
    const { bytes } = relocated(fixture('libgreet-arm64.dylib'), [
      ['/old/store/greet', '/first'],
      ['/old/store', '/n'],
    ]);
    assert.equal(namesOf(onlySlice(bytes))[0], 'LC_ID_DYLIB /first/lib/libgreet.dylib');
  });

  it('relocates and signs every slice of a fat file', () => {
    const fat = fatFixture();
    const { bytes } = relocated(fat, SHORTER);
    const { slices, isFat } = parsed(bytes);
    assert.ok(isFat);
    assert.equal(slices.length, 2);
    for (const slice of slices) {
      assert.equal(namesOf(slice)[0], 'LC_ID_DYLIB /n/greet/lib/libgreet.dylib');
      checkPages(bytes, slice);
    }
  });

  it('leaves a file without old paths as it is, signature and all', () => {
    for (const name of ALL) {
      const { bytes, isChanged } = relocated(fixture(name), [['/elsewhere', '/n']]);
      assert.ok(!isChanged);
      assert.ok(bytes.equals(fixture(name)));
    }
  });

  it('refuses to change what a real identity has signed, unless told', () => {
    const bytes = withIdentity(fixture('libgreet-arm64.dylib'));
    assert.equal(
      codeOf(() => relocated(bytes, SHORTER)),
      'macho-signed',
    );
    const { bytes: signed } = relocated(bytes, SHORTER, { replaceIdentity: true });
    assert.ok(signatureOf(signed, onlySlice(signed)).isAdHoc);
    checkPages(signed, onlySlice(signed));
  });

  it('recognises 32 bit and big-endian files, and refuses them', () => {
    for (const magic of [0xfeedface, 0xcefaedfe, 0xfeedfacf]) {
      const bytes = Buffer.alloc(64);
      bytes.writeUInt32BE(magic, 0);
      assert.equal(
        codeOf(() => relocated(bytes, SHORTER)),
        'macho-unsupported',
        magic.toString(16),
      );
    }
  });

  it('takes any damage: a result of the same size, or a coded error', () => {
    const files = [...ALL.map(fixture), fatFixture()];
    const damage = fc.array(fc.tuple(fc.nat(), fc.constantFrom(0, 1, 2, 8, 64, 127, 128, 254, 255)), {
      minLength: 1,
      maxLength: 6,
    });
    const property = fc.property(
      fc.constantFrom(...files),
      damage,
      fc.nat(7),
      fc.nat(),
      (file, writes, cut, at) => {
        const bytes = Buffer.from(file.subarray(0, cut === 0 ? at % file.length : file.length));
        const { signature } = parsed(file).slices[0] ?? {};
        for (const [place, value] of writes) {
          // Most damage goes to the load commands and the signature.
          const near = place % 2 === 0 ? place % 1500 : (signature?.offset ?? 0) + (place % 200);
          if (near < bytes.length) bytes[near] = value;
        }
        try {
          assert.equal(relocated(bytes, SHORTER).bytes.length, bytes.length);
        } catch (error) {
          assert.ok(error instanceof BuildcacheError, String(error));
        }
      },
    );
    fc.assert(property, { seed: 6, numRuns: 1200 });
  });
});

/** The newest of a tool that Debian installs with its version in the name. */
function findTool(name: string): string | undefined {
  const names = [name, ...Array.from({ length: 12 }, (_, i) => `${name}-${24 - i}`)];
  return names.find((each) => spawnSync(each, ['--version']).error === undefined);
}

describe('relocated Mach-O files and other tools', () => {
  const otool = findTool('llvm-otool');
  const objcopy = findTool('llvm-objcopy');
  const rename = findTool('llvm-install-name-tool');
  const stored = (name: string, bytes: Uint8Array): string => {
    const path = join(folder, name);
    writeFileSync(path, bytes);
    return path;
  };

  it('llvm-otool reads them', { skip: otool === undefined && 'llvm-otool is not installed' }, () => {
    for (const name of ALL) {
      const path = stored(name, relocated(fixture(name), SHORTER).bytes);
      const { stdout, stderr, status } = spawnSync(otool ?? '', ['-l', path], { encoding: 'utf8' });
      assert.equal(status, 0, stderr);
      assert.match(stdout, /path \/n\/greet\/lib /);
      assert.ok(!stdout.includes('/old/store'));
    }
  });

  it('llvm-objcopy, which signs anew, gives the same page hashes', {
    skip: objcopy === undefined && 'llvm-objcopy is not installed',
  }, () => {
    for (const name of ALL) {
      const ours = relocated(fixture(name), SHORTER).bytes;
      const path = stored(name, ours);
      const { status, stderr } = spawnSync(objcopy ?? '', [path, `${path}.copy`], { encoding: 'utf8' });
      assert.equal(status, 0, stderr);
      const theirs = readFileSync(`${path}.copy`);
      // It also renames the file, in the first page and in the signature; the pages between are the same.
      checkPages(theirs, onlySlice(theirs));
      const hashes = [ours, theirs].map((bytes) => {
        const slice = onlySlice(bytes);
        const [directory] = signatureOf(bytes, slice).directories;
        assert.ok(directory);
        const { hashesAt, pages, hashSize } = directory;
        return bytes.toString('hex', hashesAt + hashSize, hashesAt + (pages - 1) * hashSize);
      });
      assert.equal(hashes[0], hashes[1], name);
    }
  });

  it('llvm-install-name-tool gives the same names', {
    skip: rename === undefined && 'llvm-install-name-tool is not installed',
  }, () => {
    for (const name of LIBRARIES) {
      const path = stored(name, fixture(name));
      const changes = [
        '-id',
        '/n/greet/lib/libgreet.dylib',
        '-rpath',
        '/old/store/greet/lib',
        '/n/greet/lib',
      ];
      const { status, stderr } = spawnSync(rename ?? '', [...changes, path], { encoding: 'utf8' });
      assert.equal(status, 0, stderr);
      const theirs = readFileSync(path);
      const ours = relocated(fixture(name), [['/old/store/greet', '/n/greet']]).bytes;
      assert.deepEqual(namesOf(onlySlice(ours)), namesOf(onlySlice(theirs)));
    }
  });
});
