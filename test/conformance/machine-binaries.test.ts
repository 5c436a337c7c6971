// ELF files of this machine, with every engine: inspecting never fails, a rewrite to the same value gives the same bytes, and a copy in
// which everything grew loads as the file does. A sample; `npm run conformance:machine` takes every file.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { readElf } from '../../src/binfmt/elf/elf.js';
import { sourceOfBytes } from '../../src/core/byte-source.js';
import { fromLatin1 } from '../../src/core/bytes.js';
import { ENGINES } from '../engines/engines.js';
import { patchElfEverywhere } from '../helpers/engine-results.js';
import { checkMachineFile, elfFilesBelow, MACHINE, MACHINE_FOLDERS } from '../helpers/machine-binaries.js';

/** The sample is spread over all files that are not large. */
const SAMPLE = 200;
const LARGEST_FILE = 4 << 20;
/** Programs that say their version without touching anything. */
const PROGRAMS = ['bash', 'cat', 'env', 'git', 'gpg', 'ls', 'python3', 'sed', 'sort', 'tar'];

const folder = mkdtempSync(join(tmpdir(), 'regraft-machine-'));
after(() => rmSync(folder, { recursive: true, force: true }));

describe('ELF files of this machine', {
  skip: MACHINE === undefined && 'this machine has no dynamic linker of glibc that is known here',
  timeout: 300_000,
}, () => {
  it('load as before when everything in them grew', async (test) => {
    const all = elfFilesBelow(MACHINE_FOLDERS).filter((path) => statSync(path).size <= LARGEST_FILE);
    const step = Math.max(1, Math.floor(all.length / SAMPLE));
    const sample = all.filter((_, i) => i % step === 0);
    const counts = new Map<string, number>();
    for (const path of sample) {
      const result = await checkMachineFile(path, { engines: ENGINES, folder, tools: [] });
      counts.set(result, (counts.get(result) ?? 0) + 1);
    }
    test.diagnostic(`${sample.length} of ${all.length} files: ${JSON.stringify(Object.fromEntries(counts))}`);
    assert.ok((counts.get('grown and loaded') ?? 0) > sample.length / 2);
  });

  it('run as before when their interpreter grew', (test) => {
    const ran = PROGRAMS.filter((name) => runGrown(`/usr/bin/${name}`));
    test.diagnostic(`ran ${ran.join(', ')}`);
    assert.ok(ran.length > 0);
  });
});

/** Whether a program is there, and its grown copy says the same version. */
function runGrown(path: string): boolean {
  const { stdout, error } = spawnSync(path, ['--version'], { encoding: 'latin1' });
  if (error !== undefined) return false;
  const bytes = readFileSync(path);
  const interpreter = readElf(sourceOfBytes(bytes))?.interpreter;
  if (interpreter === undefined) return false;
  const mapping = [[fromLatin1('/lib'), fromLatin1('/usr/../usr/../lib')]] as const;
  const outcome = patchElfEverywhere(ENGINES, { bytes, mapping, rewriteInterpreter: true });
  assert.ok('bytes' in outcome && outcome.bytes.length > bytes.length, path);
  const copy = join(folder, 'program');
  writeFileSync(copy, outcome.bytes);
  chmodSync(copy, 0o755);
  const said = spawnSync(copy, ['--version'], { encoding: 'latin1' }).stdout;
  assert.equal(said.replaceAll(copy, path), stdout, path);
  return true;
}
