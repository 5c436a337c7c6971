// Every ELF file of this machine: inspecting never fails, a rewrite to the same value gives the same bytes, and a copy with a longer
// rpath and interpreter finds the same libraries. A sample runs with the tests; REGRAFT_CONFORMANCE=all takes every file.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, describe, it } from 'node:test';
import { type ElfFile, readElf } from '../../src/binfmt/elf.js';
import { growElf } from '../../src/binfmt/elf-grow.js';
import { applyEdits, sourceOfBytes } from '../../src/core/byte-source.js';
import { fromLatin1 } from '../../src/core/bytes.js';
import { patchElf } from '../../src/relocation/elf-patch.js';

const FOLDERS = ['/usr/bin', '/usr/sbin', '/usr/lib', '/usr/libexec'];
const isComplete = process.env.REGRAFT_CONFORMANCE === 'all';
/** A sample of this size is spread over all files. */
const SAMPLE = 24;
const LARGEST_FILE = 32 << 20;
const INTERPRETER = '/lib64/ld-linux-x86-64.so.2';

const folder = mkdtempSync(join(tmpdir(), 'regraft-growth-'));
after(() => rmSync(folder, { recursive: true, force: true }));

function* filesBelow(path: string): Generator<string> {
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    const child = join(path, entry.name);
    if (entry.isDirectory()) yield* filesBelow(child);
    else if (entry.isFile() && isElf(child)) yield child;
  }
}

function isElf(path: string): boolean {
  const { size } = lstatSync(path);
  if (size < 64 || size > LARGEST_FILE) return false;
  const descriptor = openSync(path, 'r');
  try {
    const magic = Buffer.alloc(4);
    readSync(descriptor, magic, 0, 4, 0);
    return magic.readUInt32BE(0) === 0x7f454c46;
  } finally {
    closeSync(descriptor);
  }
}

/** Names and places of libraries, without addresses and the names of the dynamic linker. */
function librariesOf(path: string, home: string): readonly string[] {
  const env = { ...process.env, LD_LIBRARY_PATH: home };
  const { stdout } = spawnSync('ldd', [path], { env, encoding: 'utf8' });
  return stdout
    .split('\n')
    .map((line) => line.replace(/\(0x[0-9a-f]+\)/, '').trim())
    .filter((line) => !line.includes('ld-linux'))
    .sort();
}

function grown(bytes: Uint8Array, elf: ElfFile, home: string): Uint8Array | string {
  const old = (elf.rpath ? Buffer.from(elf.rpath.value).toString('latin1') : '').replaceAll('$ORIGIN', home);
  const edits = growElf(sourceOfBytes(bytes), {
    strings: {
      rpath: elf.rpath && fromLatin1(`${old}:/nowhere${'/longer'.repeat(30)}`),
      mapName: (name) => {
        const text = Buffer.from(name).toString('latin1');
        return text.startsWith('$ORIGIN') ? fromLatin1(text.replace('$ORIGIN', home)) : undefined;
      },
      isOld: () => false,
    },
    interpreter: elf.interpreter && fromLatin1(`/lib64/..${INTERPRETER}`),
  });
  return 'problem' in edits ? edits.problem : applyEdits(bytes, edits);
}

describe('ELF files of this machine', {
  skip: !existsSync(INTERPRETER) && 'there is no dynamic linker of x86_64 here',
  timeout: isComplete ? 3_600_000 : 120_000,
}, () => {
  const all = existsSync(INTERPRETER)
    ? FOLDERS.filter(existsSync).flatMap((path) => [...filesBelow(path)])
    : [];
  const step = isComplete ? 1 : Math.max(1, Math.floor(all.length / SAMPLE));
  const sample = all.filter((_, i) => i % step === 0);

  it(`can all be read (${sample.length} of ${all.length})`, () => {
    for (const path of sample) assert.ok(readElf(sourceOfBytes(readFileSync(path))), path);
  });

  it('stay as they are when nothing changes', () => {
    for (const path of sample) {
      const bytes = readFileSync(path);
      const edits = patchElf(sourceOfBytes(bytes), [[fromLatin1('/'), fromLatin1('/')]], {
        rewriteInterpreter: true,
      });
      const copy = applyEdits(new Uint8Array(bytes), edits);
      // A rewrite drops empty entries of an rpath, as the reference does.
      if (readElf(sourceOfBytes(bytes))?.rpath?.value.includes(0x3a)) continue;
      assert.ok(bytes.equals(copy), path);
    }
  });

  it('find the same libraries after they grew', (test) => {
    let count = 0;
    for (const path of sample) {
      const bytes = readFileSync(path);
      const elf = readElf(sourceOfBytes(bytes));
      if (elf === undefined || elf.dynamicProblem !== undefined || elf.needed.length === 0) continue;
      const copy = grown(bytes, elf, dirname(path));
      if (typeof copy === 'string') {
        test.diagnostic(`${path} cannot grow: ${copy}`);
        continue;
      }
      const place = join(folder, 'copy');
      writeFileSync(place, copy);
      chmodSync(place, 0o755);
      assert.deepEqual(librariesOf(place, dirname(path)), librariesOf(path, dirname(path)), path);
      count++;
    }
    test.diagnostic(`${count} of ${sample.length} files grew and found their libraries`);
    assert.ok(count > 0);
  });
});
