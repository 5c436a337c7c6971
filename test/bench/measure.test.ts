// CPU time, peak memory and wall time of processes: what proc(5) says, and a process whose work is known.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { describe, it } from 'node:test';
import { parseChildTicks } from '../../bench/measure/child-cpu-time.js';
import { measureCommand } from '../../bench/measure/command.js';
import { parseResidentMemory, processTree } from '../../bench/measure/peak-memory.js';

const NO_PROC = existsSync('/proc/self/stat') ? false : 'there is no /proc here';

describe('parseChildTicks', () => {
  it('adds the times of children, whatever the command is called', () => {
    const fields = Array.from({ length: 50 }, (_, i) => String(i + 3)); // the third field of the line is 3
    assert.equal(parseChildTicks(`12 (a) b c) ${fields.join(' ')}`), 16 + 17);
  });

  it('refuses another text', () => {
    assert.throws(() => parseChildTicks('nothing (of) this'), TypeError);
  });
});

describe('parseResidentMemory', () => {
  it('reads the present and the highest size', () => {
    const status = 'Name:\tnode\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\n';
    assert.deepEqual(parseResidentMemory(status), { now: 1 << 20, highest: 2 << 20 });
  });

  it('knows nothing of a process that has ended', () => {
    assert.equal(parseResidentMemory('Name:\tnode\nState:\tZ (zombie)\n'), undefined);
  });
});

describe('measureCommand', () => {
  const node = (script: string) => ({ program: process.execPath, args: ['-e', script] });

  it('counts the CPU time and memory of a grandchild', { skip: NO_PROC }, async () => {
    const grandchild = `const a = Buffer.alloc(150e6, 1); const end = Date.now() + 300; while (Date.now() < end) a[0]++`;
    const script = `require('child_process').spawnSync(process.execPath, ['-e', ${JSON.stringify(grandchild)}])`;
    const { sample } = await measureCommand(node(script));
    assert.ok((sample.cpu ?? 0) >= 40, `${sample.cpu} ms of CPU`);
    assert.ok(sample.wall >= 300);
    assert.ok((sample.peak ?? 0) >= 150e6, `${sample.peak} bytes`);
  });

  it('gives what the command wrote', async () => {
    assert.equal((await measureCommand(node('console.log(40 + 2)'))).output, '42\n');
  });

  it('fails with what a failed command said', async () => {
    await assert.rejects(
      measureCommand(node('console.error("so sorry"); process.exit(3)')),
      /ended with 3: so sorry/,
    );
  });

  it('fails where there is no such program', async () => {
    await assert.rejects(measureCommand({ program: 'no-such-program-here', args: [] }), /ENOENT/);
  });
});

describe('processTree', () => {
  it('begins with the process itself', { skip: NO_PROC }, () => {
    assert.equal(processTree(process.pid)[0], process.pid);
  });
});
