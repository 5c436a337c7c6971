// Linked ELF files that grow, in every engine, and what other people say of them: readelf, eu-elflint and patchelf accept them, and those
// of this machine load and run. Rpath, interpreter, needed libraries and soname all hold the old prefix somewhere among the fixtures.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type ElfFile, readElf } from '../../src/binfmt/elf/elf.js';
import { sourceOfBytes } from '../../src/core/byte-source.js';
import { fromLatin1, toLatin1 } from '../../src/core/bytes.js';
import { ENGINES } from '../engines/engines.js';
import { type BinaryFixture, ELF_FIXTURES } from '../helpers/binary-fixtures.js';
import {
  askPatchelf,
  elflintComplaints,
  missingTool,
  newComplaints,
  readelfComplaints,
} from '../helpers/elf-tools.js';
import { patchElfEverywhere } from '../helpers/engine-results.js';

const OLD = '/old/store';
const folder = mkdtempSync(join(tmpdir(), 'regraft-elf-tools-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const X86_64 = 62;
const ET_EXEC = 2;
const ET_DYN = 3;
/** A root of this machine, so that programs find their libraries. */
const NEW = join(folder, 'a-root-that-is-longer-than-the-old-one', 'store');

/** What every engine makes of a fixture. */
function grown({ bytes }: BinaryFixture, rewriteInterpreter = true): Buffer {
  const mapping = [[fromLatin1(OLD), fromLatin1(NEW)]] as const;
  const outcome = patchElfEverywhere(ENGINES, { bytes, mapping, rewriteInterpreter });
  assert.ok('bytes' in outcome, 'error' in outcome ? outcome.error.message : '');
  return outcome.bytes;
}

function factsOf(bytes: Uint8Array): ElfFile {
  const elf = readElf(sourceOfBytes(bytes));
  assert.ok(elf && elf.dynamicProblem === undefined && elf.interpreterProblem === undefined);
  return elf;
}

function moved(text: string): string {
  return text.replaceAll(OLD, NEW);
}

function textOf(bytes: Uint8Array | undefined): string {
  return bytes === undefined ? '' : toLatin1(bytes);
}

/** Of readelf's answer the lines that fit, in one form. */
function readelfLines(option: string, path: string, pattern: RegExp): readonly string[] {
  const output = execFileSync('readelf', [option, path], { encoding: 'latin1', stdio: 'pipe' });
  const lines = output.split('\n').filter((line) => pattern.test(line));
  return lines.map((line) => line.replace(/\s+/g, ' ').trim());
}

function stored(name: string, bytes: Uint8Array): string {
  const path = join(NEW, 'greet', name.startsWith('lib') ? 'lib' : 'bin', name);
  writeFileSync(path, bytes);
  chmodSync(path, 0o755);
  return path;
}

describe('linked ELF files that grow', () => {
  before(() => {
    for (const part of ['greet/lib', 'greet/bin', 'libc/lib'])
      mkdirSync(join(NEW, part), { recursive: true });
    symlinkSync('/lib64/ld-linux-x86-64.so.2', join(NEW, 'libc', 'lib', 'ld-linux-x86-64.so.2'));
    for (const fixture of ELF_FIXTURES) stored(fixture.name, grown(fixture));
  });

  for (const fixture of ELF_FIXTURES) {
    const { name, bytes, path } = fixture;
    const after = () => stored(name, grown(fixture));

    it(`${name}: every engine gives it the new strings, and leaves no old path`, () => {
      const old = factsOf(bytes);
      assert.ok(bytes.includes(OLD));
      for (const rewriteInterpreter of [true, false]) {
        const result = grown(fixture, rewriteInterpreter);
        const elf = factsOf(result);
        assert.equal(textOf(elf.rpath?.value), moved(textOf(old.rpath?.value)));
        assert.equal(elf.rpath?.kind, old.rpath?.kind);
        assert.equal(textOf(elf.interpreter?.value), moved(textOf(old.interpreter?.value)));
        assert.deepEqual(elf.needed.map(toLatin1), old.needed.map(toLatin1).map(moved));
        assert.equal(textOf(elf.soname), moved(textOf(old.soname)));
        assert.equal(result.indexOf(OLD), -1, 'an old path is left');
        const again = [[fromLatin1(NEW), fromLatin1(NEW)]] as const;
        const same = patchElfEverywhere(ENGINES, { bytes: result, mapping: again, rewriteInterpreter });
        assert.ok('bytes' in same && same.bytes.equals(result), 'the same value gives the same bytes');
      }
    });

    it(`${name}: readelf shows what was there before, with the new names`, {
      skip: missingTool('readelf'),
    }, () => {
      const copy = after();
      assert.deepEqual(newComplaints(readelfComplaints, { before: path, after: copy }), []);
      // Notes and the build id, RELRO and what else no one may move, versions and their names.
      for (const [option, pattern] of [
        ['-nW', /./],
        ['-lW', /^ +(GNU_RELRO|NOTE|TLS|GNU_STACK|GNU_PROPERTY|GNU_EH_FRAME) /],
        ['-VW', /./],
        ['-dW', /\((NEEDED|SONAME|RPATH|RUNPATH|FLAGS|FLAGS_1|VERNEED|VERDEF|GNU_HASH|HASH|SYMTAB)\)/],
      ] as const)
        assert.deepEqual(
          readelfLines(option, copy, pattern).filter((line) => !line.startsWith('File:')),
          readelfLines(option, path, pattern)
            .filter((line) => !line.startsWith('File:'))
            .map(moved),
          option,
        );
      checkProgramHeaders(copy);
    });

    it(`${name}: eu-elflint finds no new fault`, { skip: missingTool('eu-elflint') }, () => {
      assert.deepEqual(newComplaints(elflintComplaints, { before: path, after: after() }), []);
    });

    it(`${name}: patchelf reads it, and changes it where it could before`, {
      skip: missingTool('patchelf'),
    }, () => {
      const copy = after();
      const old = factsOf(bytes);
      assert.equal(askPatchelf('rpath', copy), moved(textOf(old.rpath?.value)));
      if (old.interpreter)
        assert.equal(askPatchelf('interpreter', copy), moved(textOf(old.interpreter.value)));
      const names = askPatchelf('needed', copy)
        .split('\n')
        .filter((each) => each !== '');
      assert.deepEqual(names.sort(), old.needed.map(toLatin1).map(moved).sort());
      if (old.soname) assert.equal(askPatchelf('soname', copy), moved(textOf(old.soname)));
      // patchelf 0.14 looks for a section behind the string table of an ET_EXEC file, which now is the last one.
      if (old.type !== ET_EXEC && canSetRpath(stored(`${name}-old`, bytes))) assert.ok(canSetRpath(copy));
    });
  }

  it('run, or are loaded by those that do', {
    skip: (process.platform !== 'linux' || process.arch !== 'x64') && 'needs Linux on x86_64',
  }, (test) => {
    const programs = ELF_FIXTURES.filter((each) => isProgramOfHere(each));
    for (const fixture of ELF_FIXTURES) stored(fixture.name, grown(fixture));
    for (const { name } of programs) {
      const { stdout, stderr, status } = spawnSync(join(NEW, 'greet', 'bin', name), { encoding: 'latin1' });
      assert.deepEqual({ name, stdout, stderr, status }, { name, stdout: 'hello\n', stderr: '', status: 0 });
    }
    test.diagnostic(`${programs.length} programs ran: ${programs.map(({ name }) => name).join(', ')}`);
    assert.ok(programs.length >= 10);
  });
});

function isProgramOfHere({ bytes, name }: BinaryFixture): boolean {
  const { machine, type, soname } = factsOf(bytes);
  return (
    machine === X86_64 &&
    soname === undefined &&
    (type === ET_EXEC || type === ET_DYN) &&
    !name.startsWith('lib')
  );
}

/** Whether patchelf can, which does not know every machine. */
function canSetRpath(path: string): boolean {
  const rpath = `${NEW}/${'again/'.repeat(20)}`;
  const { status } = spawnSync('patchelf', ['--set-rpath', rpath, path]);
  return status === 0 && askPatchelf('rpath', path) === rpath;
}

/** PT_PHDR says where the header says; and the headers lie in a loadable segment, which is at the same distance. */
function checkProgramHeaders(path: string): void {
  const header = execFileSync('readelf', ['-hW', path], { encoding: 'latin1' });
  const at = Number(/Start of program headers: +(\d+)/.exec(header)?.[1]);
  const size = Number(/Size of program headers: +(\d+)/.exec(header)?.[1]);
  const count = Number(/Number of program headers: +(\d+)/.exec(header)?.[1]);
  const segments = readelfLines('-lW', path, /^ +(PHDR|LOAD) /).map((line) => {
    const [type, ...numbers] = line.split(' ');
    const [offset = 0, vaddr = 0, , filesz = 0, memsz = 0] = numbers.map(Number);
    return { type, offset, vaddr, filesz, memsz };
  });
  const end = at + size * count;
  const home = segments.find(
    ({ type, offset, filesz }) => type === 'LOAD' && offset <= at && end <= offset + filesz,
  );
  assert.ok(home, 'a loadable segment has the program headers');
  const vaddr = home.vaddr + at - home.offset;
  const wanted = { type: 'PHDR', offset: at, vaddr, filesz: end - at, memsz: end - at };
  for (const each of segments) if (each.type === 'PHDR') assert.deepEqual(each, wanted);
}
