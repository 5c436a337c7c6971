import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { MirrorError } from '../../../src/core/errors.js';
import { TransferWatch, type TransferWatchOptions } from '../../../src/transport/steady/transfer-watch.js';
import { FakeClock } from '../../helpers/fake-clock.js';
import { settle } from '../../helpers/stream-source.js';

function watchWith(settings: Partial<TransferWatchOptions['settings']> = {}) {
  const clock = new FakeClock();
  const all = { totalTimeout: 0, lowestRate: 1024, rateWindow: 30_000, ...settings };
  const watch = new TransferWatch({ settings: all, clock, location: 'http://m/x' });
  const failures: MirrorError[] = [];
  let finish = () => {};
  const wait = () => {
    const pending = new Promise<void>((resolve) => {
      finish = resolve;
    });
    watch.during(pending).catch((error: MirrorError) => void failures.push(error));
  };
  const codes = () => failures.map(({ code }) => code);
  return { clock, watch, wait, finish: () => finish(), failures, codes };
}

describe('TransferWatch', () => {
  it('leaves a mirror at one byte per second after the window', async () => {
    const { clock, watch, wait, failures, codes } = watchWith();
    wait();
    for (let second = 0; second < 29; second++) {
      await clock.pass(1000);
      watch.arrived(1);
    }
    assert.deepEqual(codes(), []);
    await clock.pass(1000);
    assert.deepEqual(codes(), ['mirror-too-slow']);
    const message = /"http:\/\/m\/x": the server sent 29 bytes in 30 s, less than 1024 bytes/;
    assert.match(failures.map((failure) => failure.message).join(), message);
    assert.equal(clock.alarms, 0);
  });

  it('bears with a mirror that is just fast enough', async () => {
    const { clock, watch, wait, codes } = watchWith();
    wait();
    for (let second = 0; second < 200; second++) {
      watch.arrived(1024);
      await clock.pass(1000);
    }
    assert.deepEqual(codes(), []);
  });

  it('looks at each window for itself', async () => {
    const { clock, watch, wait, codes } = watchWith();
    wait();
    watch.arrived(1e9);
    await clock.pass(59_999);
    assert.deepEqual(codes(), []);
    await clock.pass(1);
    assert.deepEqual(codes(), ['mirror-too-slow']);
  });

  it('does not count the time that a slow reader takes', async () => {
    const { clock, watch, wait, finish, codes } = watchWith({ totalTimeout: 60_000 });
    for (let chunk = 0; chunk < 100; chunk++) {
      wait();
      await clock.pass(10);
      watch.arrived(100);
      finish();
      await settle();
      assert.equal(clock.alarms, 0);
      await clock.pass(600_000);
    }
    assert.deepEqual(codes(), []);
    wait();
    await clock.pass(29_000);
    assert.deepEqual(codes(), ['mirror-too-slow']);
  });

  it('gives one object no more than its time in all', async () => {
    const { clock, watch, wait, finish, codes } = watchWith({ totalTimeout: 60_000 });
    wait();
    watch.arrived(1e9);
    await clock.pass(29_000);
    finish();
    await settle();
    wait();
    watch.arrived(1e9);
    await clock.pass(30_999);
    assert.deepEqual(codes(), []);
    await clock.pass(1);
    assert.deepEqual(codes(), ['mirror-timeout']);
  });

  it('waits without limits where there are none', async () => {
    const { clock, wait, codes } = watchWith({ lowestRate: 0 });
    wait();
    await clock.pass(1e9);
    assert.deepEqual(codes(), []);
  });
});
