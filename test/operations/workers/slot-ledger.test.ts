// SlotLedger: memory is handed over, comes back by a counter, and is never written while somebody needs it.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Worker } from 'node:worker_threads';
import { SlotLedger } from '../../../src/operations/workers/slot-ledger.js';

/** Counts up `taken` as many times as it is told, as the other half does. */
const OTHER_HALF = `
  const { workerData, parentPort } = require('node:worker_threads');
  parentPort.on('message', (count) => {
    for (let i = 0; i < count; i++) { Atomics.add(workerData, 0, 1); Atomics.notify(workerData, 0); }
  });
`;

describe('SlotLedger', () => {
  it('lets free places be claimed at once', () => {
    const ledger = new SlotLedger();
    ledger.claim(0, 100);
    ledger.add(0, 50);
    ledger.claim(50, 100);
    assert.ok(ledger.hasRoom);
  });

  it('has no room once more than half of the slots are in use, until they are taken', () => {
    const ledger = new SlotLedger();
    let count = 0;
    for (; ledger.hasRoom; count++) ledger.add(10 * count, 10 * count + 10);
    assert.equal(count, 5);
    Atomics.add(ledger.taken, 0, 1);
    assert.ok(ledger.hasRoom);
  });

  it('waits for a place that is in use', async () => {
    const ledger = new SlotLedger();
    const worker = new Worker(OTHER_HALF, { eval: true, workerData: ledger.taken });
    ledger.add(0, 50);
    ledger.add(50, 80);
    worker.postMessage(2);
    ledger.claim(60, 120);
    assert.equal(Atomics.load(ledger.taken, 0), 2);
    await worker.terminate();
  });

  it('waits while too much is in use elsewhere', async () => {
    const ledger = new SlotLedger();
    const worker = new Worker(OTHER_HALF, { eval: true, workerData: ledger.taken });
    for (let i = 0; i < 8; i++) ledger.add(i, i + 1);
    worker.postMessage(1);
    ledger.claim(100, 200);
    assert.ok(Atomics.load(ledger.taken, 0) >= 1);
    await worker.terminate();
  });

  it('goes on where its counter overflows', () => {
    const ledger = new SlotLedger();
    Atomics.store(ledger.taken, 0, 2 ** 31 - 1);
    ledger.claim(0, 1);
    ledger.add(0, 1);
    Atomics.add(ledger.taken, 0, 1);
    ledger.claim(0, 1);
    assert.ok(ledger.hasRoom);
  });
});
