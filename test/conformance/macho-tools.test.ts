// Linked Mach-O files that are relocated, in every engine, and what LLVM's tools say of them: llvm-otool and llvm-objdump read them,
// llvm-install-name-tool gives the same names, and the page hashes of llvm-objcopy, which signs anew, are the same.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { type CodeDirectory, readCodeSignature } from '../../src/binfmt/macho/codesign.js';
import { type MachoSlice, readMacho } from '../../src/binfmt/macho/macho.js';
import { applyEdits, sourceOfBytes } from '../../src/core/byte-source.js';
import { fromLatin1, toLatin1 } from '../../src/core/bytes.js';
import type { PrefixMapping, RelocationEngine } from '../../src/relocation/engine.js';
import { ENGINES } from '../engines/engines.js';
import { type BinaryFixture, MACHO_FIXTURES } from '../helpers/binary-fixtures.js';
import { outcomeOf, sameOutcome } from '../helpers/engine-results.js';

const folder = mkdtempSync(join(tmpdir(), 'regraft-macho-tools-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const OLD = '/old/store';
const SHORT = '/n';
/** Fits into the 16 bytes that hello-macho has behind its load commands. */
const LONG = '/a/stores/b';
const LONGER = '/opt/a/longer/store';

function mappingTo(root: string): PrefixMapping {
  return [[fromLatin1(OLD), fromLatin1(root)]];
}

/** The names and signatures that every engine gives a file; its C strings stay. */
function renamed(bytes: Uint8Array, mapping: PrefixMapping): Buffer {
  const outcomes = ENGINES.map((engine) => outcomeOf(bytes, () => renameAndSign(engine, bytes, mapping)));
  const outcome = sameOutcome(ENGINES, outcomes);
  assert.ok('bytes' in outcome, 'error' in outcome ? outcome.error.message : '');
  return outcome.bytes;
}

function renameAndSign(engine: RelocationEngine, bytes: Uint8Array, mapping: PrefixMapping) {
  const patcher = engine.createMachoPatcher(mapping, { replaceIdentity: false });
  const edits = patcher.patch(sourceOfBytes(bytes));
  const changed = applyEdits(new Uint8Array(bytes), edits);
  patcher.checkSignable(sourceOfBytes(changed));
  return [...edits, ...patcher.resign(sourceOfBytes(changed))];
}

function slicesOf(bytes: Uint8Array): readonly MachoSlice[] {
  const file = readMacho(sourceOfBytes(bytes));
  assert.ok(file && !('problem' in file) && file.unsupported === undefined);
  return file.slices;
}

function namesOf(slice: MachoSlice): readonly string[] {
  return slice.names.map(({ command, value }) => `${command} ${toLatin1(value)}`);
}

function directoriesOf(bytes: Uint8Array, slice: MachoSlice): readonly CodeDirectory[] {
  const signature = readCodeSignature(sourceOfBytes(bytes), slice);
  assert.ok(signature === undefined || !('problem' in signature));
  return signature?.directories ?? [];
}

/** The hashes in a directory, page by page. */
function hashesOf(bytes: Buffer, slice: MachoSlice, { hashesAt, hashSize, pages }: CodeDirectory): string[] {
  return Array.from({ length: pages }, (_, page) => {
    const at = slice.offset + hashesAt + page * hashSize;
    return bytes.toString('hex', at, at + hashSize);
  });
}

/** The hashes that the pages have, computed here. */
function pagesOf(bytes: Buffer, slice: MachoSlice, { pages, pageSize, codeLimit }: CodeDirectory): string[] {
  return Array.from({ length: pages }, (_, page) => {
    const start = slice.offset + page * pageSize;
    const end = Math.min(start + pageSize, slice.offset + codeLimit);
    return createHash('sha256').update(bytes.subarray(start, end)).digest('hex');
  });
}

/** Bytes that differ, apart from load commands, the room behind them, and signatures. */
function strayChanges(before: Buffer, after: Buffer): readonly number[] {
  const places = slicesOf(before).flatMap(({ offset, limit, signature }) => [
    { start: offset, end: offset + limit },
    {
      start: offset + (signature?.offset ?? 0),
      end: offset + (signature ? signature.offset + signature.size : 0),
    },
  ]);
  const stray: number[] = [];
  for (let at = 0; at < before.length; at++)
    if (before[at] !== after[at] && !places.some(({ start, end }) => start <= at && at < end)) stray.push(at);
  return stray;
}

/** The newest of a tool that Debian installs with its version in the name. */
function findTool(name: string): string | undefined {
  const names = [name, ...Array.from({ length: 12 }, (_, i) => `${name}-${24 - i}`)];
  return names.find((each) => spawnSync(each, ['--version']).error === undefined);
}

const TOOLS = {
  otool: findTool('llvm-otool'),
  objdump: findTool('llvm-objdump'),
  objcopy: findTool('llvm-objcopy'),
  'install-name-tool': findTool('llvm-install-name-tool'),
};

function missing(name: keyof typeof TOOLS): string | false {
  return TOOLS[name] === undefined && `llvm-${name} is not installed`;
}

function run(name: keyof typeof TOOLS, args: readonly string[]): string {
  return execFileSync(TOOLS[name] ?? '', args, { encoding: 'latin1', stdio: 'pipe' });
}

function stored(name: string, bytes: Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

/** With another kind of library command, signed again. */
function withKind({ name, bytes }: BinaryFixture, from: number, to: number, kind: string): BinaryFixture {
  const changed = Buffer.from(bytes);
  for (const slice of slicesOf(changed)) {
    const last = slice.commands.filter(({ cmd }) => cmd === from).at(-1);
    assert.ok(last);
    changed.writeUInt32LE(to, slice.offset + last.offset);
  }
  return { name: `${name}, ${kind}`, path: '', bytes: renamedSame(changed) };
}

/** Signs a changed file. */
function renamedSame(bytes: Buffer): Buffer {
  const patcher = ENGINES[0]?.createMachoPatcher([], { replaceIdentity: false });
  return Buffer.from(applyEdits(bytes, patcher?.resign(sourceOfBytes(bytes)) ?? []));
}

const LC_LOAD_DYLIB = 0x0c;
const LC_REEXPORT_DYLIB = 0x8000001f;
/** Kinds that no linker of Debian writes. */
const OTHER_KINDS = [
  [0x20, 'LC_LAZY_LOAD_DYLIB'],
  [0x80000023, 'LC_LOAD_UPWARD_DYLIB'],
] as const;

const EDGES = MACHO_FIXTURES.filter(({ name }) => name.startsWith('libedge'));
const [EDGE] = EDGES;
assert.ok(EDGE);
const FIXTURES = [
  ...MACHO_FIXTURES,
  ...OTHER_KINDS.map(([kind, name]) => withKind(EDGE, LC_LOAD_DYLIB, kind, name)),
  // llvm-objcopy 14 and llvm-install-name-tool 14 refuse a library that is exported again.
  ...EDGES.map((fixture) => withKind(fixture, LC_REEXPORT_DYLIB, LC_LOAD_DYLIB, 'nothing exported again')),
];

describe('linked Mach-O files that are relocated', () => {
  for (const { name, bytes } of FIXTURES) {
    for (const root of [SHORT, name === 'hello-macho' ? LONG : LONGER]) {
      it(`${name} to ${root}: every engine gives it the new names and signature, and changes nothing else`, () => {
        const after = renamed(bytes, mappingTo(root));
        const [old, now] = [slicesOf(bytes), slicesOf(after)];
        assert.deepEqual(
          now.map(namesOf),
          old.map((slice) => namesOf(slice).map((each) => each.replace(OLD, root))),
        );
        assert.deepEqual(strayChanges(bytes, after), []);
        now.forEach((slice, i) => {
          const before = directoriesOf(bytes, old[i] as MachoSlice);
          const directories = directoriesOf(after, slice);
          const facts = ({ identifier, flags, pages }: CodeDirectory) => ({ identifier, flags, pages });
          assert.deepEqual(directories.map(facts), before.map(facts));
          for (const each of directories)
            assert.deepEqual(hashesOf(after, slice, each), pagesOf(after, slice, each));
        });
        assert.ok(renamed(after, mappingTo(OLD)).equals(after), 'what holds no old path stays as it is');
      });

      it(`${name} to ${root}: llvm-otool and llvm-objdump read it`, {
        skip: missing('otool') || missing('objdump'),
      }, () => {
        const path = stored('read', renamed(bytes, mappingTo(root)));
        const commands = run('otool', ['-l', path]);
        const headers = run('objdump', ['--macho', '--private-headers', path]);
        for (const output of [commands, headers]) {
          assert.ok(!output.includes(OLD));
          assert.ok(output.includes(`${root}/greet/lib`));
        }
        assert.doesNotMatch(run('objdump', ['--macho', '--all-headers', path]), /truncated|malformed/);
        for (const slice of slicesOf(readFileSync(path)))
          for (const { value } of slice.names) assert.ok(commands.includes(toLatin1(value)));
      });

      it(`${name} to ${root}: llvm-install-name-tool gives the same names`, {
        skip: missing('install-name-tool'),
      }, (test) => {
        const changes = installNameChanges(bytes, root);
        const path = stored('named', bytes);
        const { status, stderr } = spawnSync(TOOLS['install-name-tool'] ?? '', [...changes, path], {
          encoding: 'latin1',
        });
        if (/unsupported load command/.test(stderr)) return test.skip(stderr.trim());
        assert.equal(status, 0, stderr);
        const theirs = slicesOf(readFileSync(path)).map((slice) => [...namesOf(slice)].sort());
        const ours = slicesOf(renamed(bytes, mappingTo(root))).map((slice) => [...namesOf(slice)].sort());
        assert.deepEqual(ours, theirs);
      });

      it(`${name} to ${root}: llvm-objcopy, which signs anew, gives the same page hashes`, {
        skip: missing('objcopy'),
      }, (test) => {
        const ours = renamed(bytes, mappingTo(root));
        const path = stored('signed', ours);
        const { status, stderr } = spawnSync(TOOLS.objcopy ?? '', [path, `${path}.copy`], {
          encoding: 'latin1',
        });
        if (/unsupported load command/.test(stderr)) return test.skip(stderr.trim());
        assert.equal(status, 0, stderr);
        compareHashes(ours, readFileSync(`${path}.copy`));
      });
    }
  }
});

/** The options that make llvm-install-name-tool do what the mapping does. */
function installNameChanges(bytes: Buffer, root: string): readonly string[] {
  const options = new Set<string>();
  for (const { command, value } of slicesOf(bytes).flatMap((slice) => slice.names)) {
    const name = toLatin1(value);
    if (!name.startsWith(OLD)) continue;
    const now = name.replace(OLD, root);
    if (command === 'LC_ID_DYLIB') options.add(`-id\n${now}`);
    else options.add(`${command === 'LC_RPATH' ? '-rpath' : '-change'}\n${name}\n${now}`);
  }
  return [...options].flatMap((each) => each.split('\n'));
}

/** llvm-objcopy names a file anew, in the first page and in the signature; all other pages are the same. */
function compareHashes(ours: Buffer, theirs: Buffer): void {
  const [own, other] = [slicesOf(ours), slicesOf(theirs)];
  assert.equal(own.length, other.length);
  own.forEach((slice, i) => {
    const copied = other[i] as MachoSlice;
    const [before, after] = [directoriesOf(ours, slice), directoriesOf(theirs, copied)];
    assert.equal(after.length, before.length);
    after.forEach((directory, k) => {
      assert.deepEqual(hashesOf(theirs, copied, directory), pagesOf(theirs, copied, directory));
      const known = hashesOf(ours, slice, before[k] as CodeDirectory);
      assert.deepEqual(hashesOf(theirs, copied, directory).slice(1, -1), known.slice(1, -1));
    });
  });
}
