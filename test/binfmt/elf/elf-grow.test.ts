// Growth of real ELF files (test/fixtures-binaries, made by make-elf.sh): both classes and byte orders, programs that run
// afterwards, the tools' opinion where they are installed, and damaged files.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import fc from 'fast-check';
import { type ElfFile, readElf } from '../../../src/binfmt/elf/elf.js';
import { growElf } from '../../../src/binfmt/elf/elf-grow.js';
import { elfHash } from '../../../src/binfmt/elf/elf-strings.js';
import { readElfTables } from '../../../src/binfmt/elf/elf-tables.js';
import { applyEdits, type Edit, sourceOfBytes } from '../../../src/core/byte-source.js';
import { fromLatin1, toLatin1 } from '../../../src/core/bytes.js';
import { RelocationError } from '../../../src/core/errors.js';
import { patchElf } from '../../../src/relocation/names/elf-patch.js';

const FIXTURES = join(process.cwd(), 'test', 'fixtures-binaries');
const LIBRARIES = ['libgreet.so.1', 'libplain-32-little.so', 'libplain-32-big.so', 'libplain-64-big.so'];
const PROGRAMS = ['hello-pie', 'hello-exec', 'hello-lld'];
const OLD = '/old/store/greet';
const NEW = '/a/much/longer/root/of/another/store/greet';

function fixture(name: string): Buffer {
  return readFileSync(join(FIXTURES, name));
}

function patched(bytes: Uint8Array, from: string, to: string, rewriteInterpreter = true): Uint8Array {
  const mapping = [[fromLatin1(from), fromLatin1(to)]] as const;
  const edits = patchElf(sourceOfBytes(bytes), { mapping, rewriteInterpreter });
  return applyEdits(new Uint8Array(bytes), edits);
}

function factsOf(bytes: Uint8Array): ElfFile {
  const elf = readElf(sourceOfBytes(bytes));
  assert.ok(elf);
  assert.equal(elf.dynamicProblem, undefined);
  assert.equal(elf.interpreterProblem, undefined);
  return elf;
}

function textOf(bytes: Uint8Array | undefined): string | undefined {
  return bytes && toLatin1(bytes);
}

const isLinux = process.platform === 'linux' && process.arch === 'x64';
const folder = mkdtempSync(join(tmpdir(), 'regraft-elf-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** Why a tool cannot be asked, or false. */
function missing(tool: string): string | false {
  return spawnSync(tool, ['--version']).error === undefined ? false : `${tool} is not installed`;
}

function stored(name: string, bytes: Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  chmodSync(path, 0o755);
  return path;
}

describe('growth of an ELF file', () => {
  for (const name of [...LIBRARIES, ...PROGRAMS]) {
    it(`gives ${name} a longer rpath, and leaves nothing of the old one`, () => {
      const before = fixture(name);
      const bytes = patched(before, OLD, NEW);
      const [old, elf] = [factsOf(before), factsOf(bytes)];
      assert.equal(textOf(elf.rpath?.value), `${NEW}/lib`);
      assert.equal(elf.rpath?.kind, old.rpath?.kind);
      assert.ok(!Buffer.from(bytes).includes(OLD));
      assert.equal(elf.needed.length, old.needed.length);
      assert.equal(textOf(elf.soname), textOf(old.soname)?.replace(OLD, NEW));
    });

    it(`has the program headers of ${name} where every loader finds them`, () => {
      for (const [from, to] of [
        [OLD, NEW],
        ['/lib64/', '/lib64/../lib64/'],
      ] as const) {
        checkProgramHeaders(patched(fixture(name), from, to));
      }
    });

    it(`grows ${name} again, without one more segment`, () => {
      const once = patched(fixture(name), OLD, NEW);
      const twice = patched(once, NEW, `${NEW}/and/longer/again`);
      assert.equal(textOf(factsOf(twice).rpath?.value), `${NEW}/and/longer/again/lib`);
      assert.equal(segmentCount(twice), segmentCount(once));
      assert.equal(segmentCount(once), segmentCount(fixture(name)) + 1);
    });

    it(`changes no byte of ${name} when it maps to the same`, () => {
      const before = fixture(name);
      assert.deepEqual(Buffer.from(patched(before, OLD, OLD)), before);
    });
  }

  for (const name of PROGRAMS) {
    it(`gives ${name} a longer interpreter, also where only that grows`, () => {
      const interpreter = '/lib64/../lib64/../lib64/ld-linux-x86-64.so.2';
      for (const rewriteInterpreter of [true, false]) {
        const bytes = patched(fixture(name), '/lib64/ld-linux-x86-64.so.2', interpreter, rewriteInterpreter);
        assert.equal(textOf(factsOf(bytes).interpreter?.value), interpreter);
        assert.equal(textOf(factsOf(bytes).rpath?.value), `${OLD}/lib`);
        assert.ok(!Buffer.from(bytes).includes('\0/lib64/ld-linux'));
      }
    });

    it(`leaves ${name} a program that runs`, { skip: !isLinux && 'needs Linux on x86_64' }, () => {
      const home = join(folder, 'a-longer-home-of-the-library', name);
      mkdirSync(join(home, 'lib'), { recursive: true });
      copyFileSync(join(FIXTURES, 'libgreet.so.1'), join(home, 'lib', 'libgreet.so.1'));
      const moved = patched(fixture(name), OLD, home);
      const both = patched(moved, '/lib64/', '/lib64/../lib64/../lib64/');
      for (const bytes of [moved, both]) {
        assert.equal(execFileSync(stored(`run-${name}`, bytes), { encoding: 'utf8' }), 'hello\n');
      }
    });
  }

  it('follows names of libraries into version records', () => {
    const bytes = patched(fixture('hello-pie'), 'libgreet.so.1', '/a/longer/place/of/libgreet.so.1');
    const tables = readElfTables(sourceOfBytes(bytes));
    assert.ok(!('problem' in tables));
    const needed = textOf(factsOf(bytes).needed[0]);
    assert.equal(needed, '/a/longer/place/of/libgreet.so.1');
    // Both the entry and the version record point to the one new string.
    const string = Buffer.from(bytes).indexOf('/a/longer/place/of/libgreet.so.1\0');
    assert.equal(Buffer.from(bytes).indexOf('/a/longer/place/of/libgreet.so.1\0', string + 1), -1);
    const versions = tables.sections.find(({ type }) => type === 0x6ffffffe);
    assert.ok(versions && tables.strings);
    const file = Buffer.from(bytes).readUInt32LE(Number(versions.offset) + 4);
    assert.equal(Number(tables.strings.offset) + file, string);
  });

  it('gives the base version of a library the hash of its new name', () => {
    const bytes = Buffer.from(patched(fixture('libgreet.so.1'), 'libgreet', 'a-longer-name-than-libgreet'));
    const tables = readElfTables(sourceOfBytes(bytes));
    assert.ok(!('problem' in tables));
    const definitions = tables.sections.find(({ type }) => type === 0x6ffffffd);
    assert.ok(definitions);
    const hash = bytes.readUInt32LE(Number(definitions.offset) + 8);
    assert.equal(hash, elfHash(fromLatin1('a-longer-name-than-libgreet.so.1')));
  });

  it('keeps a string that ends like the old one, and overwrites what nothing refers to', () => {
    const before = fixture('libgreet.so.1');
    // The symbol's name becomes the end of the rpath: "lib".
    const tables = readElfTables(sourceOfBytes(before));
    assert.ok(!('problem' in tables) && tables.strings);
    const symbols = tables.sections.find(({ type }) => type === 11);
    assert.ok(symbols);
    const rpathAt = before.indexOf(`${OLD}/lib`);
    const shared = rpathAt + `${OLD}/`.length - Number(tables.strings.offset);
    before.writeUInt32LE(shared, Number(symbols.offset) + 24);
    const bytes = Buffer.from(patched(before, OLD, NEW));
    const after = readElfTables(sourceOfBytes(bytes));
    assert.ok(!('problem' in after) && after.strings);
    const at = Number(after.strings.offset) + shared;
    assert.equal(toLatin1(bytes.subarray(at - 1, at + 4)), '\0lib\0');
    assert.ok(!bytes.includes(OLD));
  });

  it('moves the symbol that a program gives to its interpreter', () => {
    const before = fixture('hello-pie');
    const tables = readElfTables(sourceOfBytes(before));
    assert.ok(!('problem' in tables));
    const symbols = tables.sections.find(({ type }) => type === 11);
    const segment = tables.segments.find(({ type }) => type === 3);
    const section = tables.sections.find(({ offset }) => offset === segment?.offset);
    assert.ok(symbols && segment && section);
    const at = Number(symbols.offset) + 24;
    before.writeUInt16LE(section.index, at + 6);
    before.writeBigUInt64LE(segment.vaddr + 5n, at + 8);
    const bytes = Buffer.from(patched(before, '/lib64/', '/lib64/../lib64/../lib64/'));
    const grown = readElfTables(sourceOfBytes(bytes));
    assert.ok(!('problem' in grown));
    const moved = grown.segments.find(({ type }) => type === 3);
    assert.equal(bytes.readBigUInt64LE(at + 8), (moved?.vaddr ?? 0n) + 5n);
  });

  it('says why a file cannot grow', () => {
    const bytes = fixture('libgreet.so.1');
    const tables = readElfTables(sourceOfBytes(bytes));
    assert.ok(!('problem' in tables));
    // Without its dynamic symbols' section nobody knows which strings are in use.
    const symbols = tables.sections.findIndex(({ type }) => type === 11);
    bytes.writeUInt32LE(1, Number(tables.sectionHeaders.offset) + symbols * 64 + 4);
    assert.throws(
      () => patched(bytes, OLD, NEW),
      (error) =>
        error instanceof RelocationError &&
        error.code === 'cannot-grow-rpath' &&
        /dynamic symbols/.test(String(error.data.problem)),
    );
  });

  it('takes any damage: edits that keep to the file and what it grows by, or a coded error', () => {
    const files = [...LIBRARIES, ...PROGRAMS].map(fixture);
    const damage = fc.array(fc.tuple(fc.nat(), fc.constantFrom(0, 1, 2, 3, 5, 8, 64, 127, 128, 254, 255)), {
      minLength: 1,
      maxLength: 6,
    });
    const property = fc.property(
      fc.constantFrom(...files),
      damage,
      fc.nat(7),
      fc.nat(),
      (file, writes, cut, where) => {
        const bytes = Buffer.from(file.subarray(0, cut === 0 ? where % file.length : file.length));
        for (const [at, value] of writes) {
          // Most damage goes where the headers are.
          const place = at % 3 === 0 ? at : at % 1024;
          if (place % file.length < bytes.length) bytes[place % file.length] = value;
        }
        checkHostile(bytes);
      },
    );
    fc.assert(property, { seed: 6, numRuns: 1500 });
  });
});

/**
 * glibc takes the first segment whose pages cover their place in the file, musl the one that holds them; kernels before 5.18 tell a
 * program that they are as far from the first segment as in the file.
 */
function checkProgramHeaders(bytes: Uint8Array): void {
  const tables = readElfTables(sourceOfBytes(bytes));
  assert.ok(!('problem' in tables));
  const { segments, programHeaders, reader } = tables;
  const at = programHeaders.offset;
  const end = at + BigInt(programHeaders.count * programHeaders.recordSize);
  const loads = segments.filter(({ type }) => type === 1);
  const page = BigInt(Math.max(0x1000, ...loads.map(({ align }) => Number(align))));
  const covers = ({ offset, vaddr, filesz }: (typeof loads)[number]) => {
    const start = offset - (offset % page);
    const size = vaddr + filesz + ((page - ((vaddr + filesz) % page)) % page) - (vaddr - (vaddr % page));
    return start <= at && end <= start + size;
  };
  const home = loads.find(covers);
  assert.ok(home && home.offset <= at && end <= home.offset + home.filesz);
  const vaddr = home.vaddr + at - home.offset;
  const [header] = segments.filter(({ type }) => type === 6);
  if (header !== undefined) assert.deepEqual([header.offset, header.vaddr], [at, vaddr]);
  const [first] = loads;
  if (first && segments.some(({ type }) => type === 3)) assert.equal(vaddr - first.vaddr, at - first.offset);
  assert.ok(reader.contains(at, end - at));
}

function segmentCount(bytes: Uint8Array): number {
  const tables = readElfTables(sourceOfBytes(bytes));
  assert.ok(!('problem' in tables));
  return tables.segments.length;
}

const LONGEST_GROWTH = 66 << 20;

function checkHostile(bytes: Buffer): void {
  const edits = growElf(sourceOfBytes(bytes), {
    strings: { rpath: fromLatin1(`${NEW}/lib`), mapName: () => undefined, isOld: () => true },
    interpreter: readElf(sourceOfBytes(bytes))?.interpreter && fromLatin1('/lib/longer/than/it/was/ld.so'),
  });
  if ('problem' in edits) return;
  for (const { offset, bytes: value } of edits as readonly Edit[]) {
    assert.ok(Number.isSafeInteger(offset) && offset >= 0);
    assert.ok(offset + value.length <= bytes.length + LONGEST_GROWTH);
  }
}

describe('grown ELF files and other tools', () => {
  const grown = [...LIBRARIES, ...PROGRAMS].map((name) => ({
    name,
    path: () => stored(name, patched(fixture(name), OLD, NEW)),
  }));

  it('readelf finds no fault', { skip: missing('readelf') }, () => {
    for (const { name, path } of grown) {
      const { stdout, stderr } = spawnSync('readelf', ['-aW', path()], { encoding: 'utf8' });
      assert.equal(stderr, '', name);
      assert.ok(stdout.includes(`[${NEW}/lib]`), name);
    }
  });

  it('eu-elflint finds no fault that was not there before', { skip: missing('eu-elflint') }, () => {
    const complaints = (path: string) => {
      const { stdout } = spawnSync('eu-elflint', ['--gnu-ld', path], { encoding: 'utf8' });
      // A header more moves the others on.
      return new Set(stdout.replace(/program header entry \d+/g, 'program header').split('\n'));
    };
    for (const { name, path } of grown) {
      const known = complaints(join(FIXTURES, name));
      assert.deepEqual(
        [...complaints(path())].filter((line) => !known.has(line) && line !== 'No errors'),
        [],
        name,
      );
    }
  });

  it('patchelf reads them, and can change them again', { skip: missing('patchelf') }, () => {
    for (const { name, path } of grown) {
      const file = path();
      const rpath = execFileSync('patchelf', ['--print-rpath', file], { encoding: 'utf8' });
      assert.equal(rpath.trim(), `${NEW}/lib`, name);
      // patchelf 0.14 cannot change an ET_EXEC file whose string table is the last of all sections.
      if (name === 'hello-exec') continue;
      execFileSync('patchelf', ['--set-rpath', `${NEW}/${'again/'.repeat(20)}`, file]);
      assert.equal(
        execFileSync('patchelf', ['--print-rpath', file], { encoding: 'utf8' }).trim(),
        `${NEW}/${'again/'.repeat(20)}`,
      );
    }
  });
});
