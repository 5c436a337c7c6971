import assert from 'node:assert/strict';
import { test } from 'node:test';
import { measureEngines } from '../../src/cli/engine-rounds.js';

const { signal } = new AbortController();
const same = () => 'the same';

test('measureEngines interleaves the engines, and keeps no time of the first round', async () => {
  const turns: string[] = [];
  const work = async ({ engine }: { readonly engine: { readonly name: string } }) => {
    turns.push(engine.name);
    return same;
  };
  const [js, wasm] = await measureEngines({ engines: ['js', 'wasm'], rounds: 2, work, signal });
  assert.deepEqual(turns, ['js', 'wasm', 'js', 'wasm', 'js', 'wasm']);
  assert.deepEqual([js?.wall?.count, wasm?.wall?.count], [2, 2]);
  assert.equal(js?.ratio?.median, 1);
});

test('measureEngines names an engine that cannot run', async () => {
  const before = process.env.REGRAFT_NATIVE;
  process.env.REGRAFT_NATIVE = '/nowhere/regraft.node';
  try {
    const request = { engines: ['native', 'js'] as const, rounds: 1, work: async () => same, signal };
    const [native, js] = await measureEngines(request);
    assert.match(native?.missing ?? '', /Cannot start the native engine/);
    assert.equal(native?.wall, undefined);
    assert.equal(js?.wall?.count, 1);
  } finally {
    if (before === undefined) delete process.env.REGRAFT_NATIVE;
    else process.env.REGRAFT_NATIVE = before;
  }
});

test('measureEngines stops where it is interrupted', async () => {
  const controller = new AbortController();
  const work = async () => {
    controller.abort(new Error('enough'));
    return same;
  };
  await assert.rejects(
    measureEngines({ engines: ['js'], rounds: 9, work, signal: controller.signal }),
    /enough/,
  );
});

test('measureEngines fails when engines do not give the same', async () => {
  const work =
    async ({ engine }: { readonly engine: { readonly name: string } }) =>
    () =>
      engine.name;
  const measuring = measureEngines({ engines: ['js', 'wasm'], rounds: 1, work, signal });
  await assert.rejects(measuring, {
    code: 'engine-failed',
    message: 'Cannot compare the engines: "wasm" gives a different result from "js"',
  });
});
