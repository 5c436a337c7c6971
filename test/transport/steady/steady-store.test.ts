import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MirrorError } from '../../../src/core/errors.js';
import { SteadyStore } from '../../../src/transport/steady/steady-store.js';
import { DEFAULT_SETTINGS, type TransferSettings } from '../../../src/transport/steady/transfer-settings.js';
import { FakeClock } from '../../helpers/fake-clock.js';
import { FedStore } from '../../helpers/fed-store.js';
import { settle } from '../../helpers/stream-source.js';
import { recordingRetry } from '../http/recording-retry.js';

const BYTES = Uint8Array.from({ length: 5000 }, (_, i) => i % 256);

function place(settings: Partial<TransferSettings> = {}) {
  const fed = new FedStore(BYTES);
  const clock = new FakeClock();
  const told: string[] = [];
  const store = new SteadyStore({
    store: fed.store,
    retry: recordingRetry(),
    settings: { ...DEFAULT_SETTINGS, ...settings },
    clock,
    onLeftAlone: ({ code }) => void told.push(code),
  });
  return { fed, clock, store, told };
}

/** Reads in the background. */
async function reading(store: SteadyStore) {
  const { body } = await store.open('x');
  const chunks: Uint8Array[] = [];
  const state: { bytes: () => Buffer; error: unknown; isDone: boolean } = {
    bytes: () => Buffer.concat(chunks),
    error: undefined,
    isDone: false,
  };
  (async () => {
    for await (const chunk of body) chunks.push(chunk);
    state.isDone = true;
  })().catch((error: unknown) => {
    state.error = error;
  });
  await settle();
  return state;
}

describe('SteadyStore', () => {
  it('goes on over breaks, and counts the arrival of single bytes as life', async () => {
    const { fed, clock, store } = place({ lowestRate: 1 });
    const read = await reading(store);
    await fed.feed(2000);
    for (let second = 0; second < 100; second++) {
      fed.arrive(1);
      await clock.pass(1000);
    }
    await fed.breakOff();
    assert.deepEqual(fed.opened, [0, 2000]);
    await fed.feed(3000);
    assert.ok(read.isDone, String(read.error));
    assert.ok(read.bytes().equals(BYTES));
    assert.equal(clock.alarms, 0);
  });

  it('leaves a mirror that is too slow, and drops its connection', async () => {
    const { fed, clock, store } = place();
    const read = await reading(store);
    for (let second = 0; second < 30; second++) {
      fed.arrive(1);
      await clock.pass(1000);
    }
    assert.ok(read.error instanceof MirrorError);
    assert.equal(read.error.code, 'mirror-too-slow');
    assert.ok(fed.isCancelled);
    assert.deepEqual(fed.opened, [0]);
  });

  it('asks a mirror no more after failures in a row', async () => {
    const { fed, store, told } = place({ failuresInRow: 2 });
    for (let i = 0; i < 2; i++) {
      const read = await reading(store);
      for (let attempt = 0; attempt < 4; attempt++) await fed.breakOff();
      assert.ok(read.error instanceof MirrorError && read.error.data.attempts === 4, String(read.error));
    }
    const asked = fed.opened.length;
    for (const ask of [() => store.open('x'), () => store.stat('y')])
      await assert.rejects(ask(), (error: MirrorError) => error.code === 'mirror-left-alone');
    assert.equal(fed.opened.length, asked);
    assert.deepEqual(told, ['mirror-left-alone']);
  });

  it('cancels the body of the store with its own', async () => {
    const { fed, clock, store } = place();
    const { body } = await store.open('x');
    const reader = body.getReader();
    const first = reader.read();
    await fed.feed(10);
    assert.equal((await first).value?.length, 10);
    await reader.cancel();
    assert.ok(fed.isCancelled);
    assert.equal(clock.alarms, 0);
  });
});
