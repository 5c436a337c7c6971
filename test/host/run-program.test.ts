import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ProgramRun, runProgram, TooMuchOutput } from '../../src/host/run-program.js';

function node(script: string, more: Partial<ProgramRun> = {}) {
  const args = ['-e', script];
  return runProgram({ program: process.execPath, args, environment: process.env, limit: 1 << 20, ...more });
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('utf8');
}

test('gives input and secret, and takes output, messages and exit code', async () => {
  const script = `const fs = require('node:fs');
    process.stdout.write(fs.readFileSync(0, 'utf8').toUpperCase() + process.env.WORD);
    process.stderr.write(fs.readFileSync(3, 'utf8'));
    process.exitCode = 7;`;
  const environment = { PATH: process.env.PATH, WORD: 'word' };
  const run = { environment, input: Buffer.from('asked '), secret: Buffer.from('hidden') };
  const { exitCode, output, messages } = await node(script, run);
  assert.equal(exitCode, 7);
  assert.equal(text(output), 'ASKED word');
  assert.equal(text(messages), 'hidden');
});

test('a program that reads nothing is none the worse', async () => {
  const { exitCode } = await node('process.exit(0)', { input: new Uint8Array(1 << 20) });
  assert.equal(exitCode, 0);
});

test('kills what writes without end, on either stream', { timeout: 20_000 }, async () => {
  for (const stream of ['stdout', 'stderr']) {
    const script = `const write = () => process.${stream}.write('x'.repeat(65536), write); write();`;
    await assert.rejects(node(script), TooMuchOutput);
  }
});

test('says with the error of the system that there is no such program', async () => {
  const run = { program: '/nowhere/program', args: [], environment: {}, limit: 1 };
  await assert.rejects(runProgram(run), { code: 'ENOENT' });
});

test('ends with its caller', { timeout: 20_000 }, async () => {
  const reason = new Error('enough');
  const controller = new AbortController();
  const running = node('setInterval(() => {}, 1000)', { signal: controller.signal });
  controller.abort(reason);
  await assert.rejects(running, (error) => error === reason);
});

test('does not wait for what a program started that holds its output open', async () => {
  const run = { program: 'sh', args: ['-c', 'sleep 10 & wait'], environment: process.env, limit: 1 };
  const begun = performance.now();
  const running = runProgram({ ...run, signal: AbortSignal.timeout(200) });
  await assert.rejects(running, { name: 'TimeoutError' });
  assert.ok(performance.now() - begun < 5000);
});
