// What must hold of packages whose rpaths grew: libbare's is the one that the reference's patchelf wrote, and libplain, which the
// reference cannot install, has no path of the old root left and loads.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ElfFile, readElf } from '../../src/binfmt/elf/elf.js';
import { sourceOfBytes } from '../../src/core/byte-source.js';
import { toLatin1 } from '../../src/core/bytes.js';
import type { InstallReport } from '../../src/operations/install/install.js';
import type { GoldenScenario } from './golden-scenario.js';

const OLD_ROOT = '/tmp/golden-store-a/opt';

/** Looks at the installed files of a scenario in which rpaths grow. */
export function checkGrownPackages(scenario: GoldenScenario, report: InstallReport): void {
  const prefixOf = (name: string) => {
    const found = report.packages.find((each) => each.name === name && each.outcome === 'installed');
    assert.ok(found, `${name} is installed`);
    return found.prefix;
  };
  const bare = prefixOf('libbare');
  const rpath = rpathOf(join(bare, 'lib', 'libbare.so'));
  // As `readelf -d` shows it in the tree that the reference left (golden/c-from-unpadded-signed-libplain/tree.tar.gz).
  assert.deepEqual(rpath, { kind: 'rpath', value: `${bare}/lib` });
  assert.ok(rpath?.value.startsWith(scenario.root));
  const libraries = readdirSync(join(prefixOf('libplain'), 'lib')).filter((name) => name.endsWith('.so'));
  assert.ok(libraries.length > 0);
  for (const name of libraries) checkLibrary(join(prefixOf('libplain'), 'lib', name));
  const program = join(prefixOf('libplain'), 'bin', 'plain');
  checkLibrary(program);
  if (!isHere) return;
  // It ends well only when its libraries give it the right number.
  assert.equal(spawnSync(program, [], { env: {} }).status, 0, `${program} runs`);
}

const isHere = process.platform === 'linux' && process.arch === 'x64';

function checkLibrary(path: string): void {
  assert.ok(!readFileSync(path).includes(OLD_ROOT), `${path} has no path of the old root`);
  assert.equal(elfOf(path).dynamicProblem, undefined);
  // One of them has no rpath, and needs a program that has.
  if (!isHere || rpathOf(path) === undefined) return;
  assert.doesNotMatch(execFileSync('ldd', [path], { encoding: 'utf8' }), /not found/);
}

function elfOf(path: string): ElfFile {
  const elf = readElf(sourceOfBytes(readFileSync(path)));
  assert.ok(elf);
  return elf;
}

function rpathOf(path: string) {
  const { rpath } = elfOf(path);
  return rpath && { kind: rpath.kind, value: toLatin1(rpath.value) };
}
