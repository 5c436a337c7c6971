import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MirrorError } from '../../../src/core/errors.js';
import type { ObjectSource } from '../../../src/transport/steady/hedge-candidate.js';
import { openHedged, type Takeover } from '../../../src/transport/steady/hedged-object.js';
import { FakeClock } from '../../helpers/fake-clock.js';
import { FedStore } from '../../helpers/fed-store.js';
import { settle } from '../../helpers/stream-source.js';

const BYTES = Uint8Array.from({ length: 5000 }, (_, i) => i % 251);

/** Reads in the background from the first mirror, with the others behind it. */
async function hedged(
  names: readonly string[],
  { after = 1000, contents = BYTES, isSuspect = false, raceLength = 1000 } = {},
) {
  const clock = new FakeClock();
  const mirrors = names.map((name, i) => new FedStore(i === 0 ? BYTES : contents, `http://${name}`));
  const looked: string[] = [];
  const sourceOf = ({ store }: FedStore): ObjectSource => ({
    location: store.location('x'),
    open: (options) => store.open('x', { ...options, unlessTag: undefined }),
  });
  async function* others() {
    for (const mirror of mirrors.slice(1)) {
      looked.push(mirror.store.url);
      yield sourceOf(mirror);
    }
  }
  const takeovers: Takeover[] = [];
  const controller = new AbortController();
  const [first] = mirrors;
  assert.ok(first);
  const chunks: Uint8Array[] = [];
  const read = { isDone: false, error: undefined as unknown, bytes: () => Buffer.concat(chunks) };
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  const opened = openHedged({
    first: sourceOf(first),
    others,
    after,
    isSuspect,
    raceLength,
    clock,
    signal: controller.signal,
    onTakeover: (takeover) => void takeovers.push(takeover),
  });
  const all = async () => {
    const { body } = await opened;
    reader = body.getReader();
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      chunks.push(value);
    }
    read.isDone = true;
  };
  all().catch((error: unknown) => {
    read.error = error;
  });
  await settle();
  const cancel = () => reader?.cancel();
  return {
    clock,
    mirrors: mirrors as [FedStore, FedStore, FedStore],
    read,
    looked,
    takeovers,
    controller,
    cancel,
  };
}

describe('openHedged', () => {
  it('asks nobody else as long as chunks come in time', async () => {
    const { clock, mirrors, read, looked } = await hedged(['a', 'b']);
    for (let i = 0; i < 5; i++) {
      await clock.pass(999);
      await mirrors[0].feed(1000);
    }
    assert.ok(read.isDone, String(read.error));
    assert.ok(read.bytes().equals(BYTES));
    assert.deepEqual(looked, []);
    assert.equal(clock.alarms, 0);
  });

  it('lets another mirror take over a stalled body from the byte where it is', async () => {
    const { clock, mirrors, read, takeovers } = await hedged(['a', 'b']);
    const [a, b] = mirrors;
    await a.feed(3000);
    await clock.pass(1000);
    assert.deepEqual(b.opened, [3000]);
    assert.ok(!a.isCancelled);
    await b.feed(1000);
    assert.ok(a.isCancelled);
    await b.feed(1000);
    assert.ok(read.isDone, String(read.error));
    assert.ok(read.bytes().equals(BYTES));
    assert.deepEqual(takeovers, [{ from: 'http://a/x', to: 'http://b/x', position: 3000 }]);
  });

  it('stays where the first mirror is faster after all, and is more patient then', async () => {
    const { clock, mirrors, read, takeovers } = await hedged(['a', 'b']);
    const [a, b] = mirrors;
    await clock.pass(1000);
    await a.feed(1000);
    assert.deepEqual(b.opened, [0]);
    assert.ok(b.isCancelled);
    await clock.pass(1999);
    assert.deepEqual(b.opened, [0]);
    await clock.pass(1);
    assert.deepEqual(b.opened, [0, 1000]);
    await a.feed(4000);
    assert.ok(read.isDone, String(read.error));
    assert.ok(read.bytes().equals(BYTES));
    assert.deepEqual(takeovers, []);
  });

  it('lets one that is much faster overtake a steady one', async () => {
    const { clock, mirrors, read, takeovers } = await hedged(['a', 'b'], { raceLength: 3000 });
    const [a, b] = mirrors;
    for (let i = 0; i < 10; i++) {
      await clock.pass(500);
      await a.feed(100);
    }
    assert.deepEqual(b.opened, [1000]);
    await a.feed(100);
    await b.feed(50);
    await a.feed(100);
    assert.deepEqual(takeovers, []);
    assert.ok(!b.isCancelled);
    await b.feed(1000);
    assert.deepEqual(takeovers, [{ from: 'http://a/x', to: 'http://b/x', position: 1200 }]);
    assert.ok(a.isCancelled);
    await b.feed(2950);
    assert.ok(read.isDone, String(read.error));
    assert.ok(read.bytes().equals(BYTES));
  });

  it('does not race for a rest that comes soon', async () => {
    const { clock, mirrors, looked } = await hedged(['a', 'b']);
    const [a] = mirrors;
    for (let i = 0; i < 9; i++) {
      await clock.pass(900);
      await a.feed(500);
    }
    assert.deepEqual(looked, []);
  });

  it('reads on from one that is behind where the other one fails', async () => {
    const { clock, mirrors, read } = await hedged(['a', 'b'], { raceLength: 3000 });
    const [a, b] = mirrors;
    await clock.pass(1000);
    await a.feed(2000);
    await b.feed(1500);
    await a.breakOff();
    await b.feed(3500);
    assert.ok(read.isDone, String(read.error));
    assert.ok(read.bytes().equals(BYTES));
  });

  it('does not take the end of a shorter object for the end', async () => {
    const { clock, mirrors, read } = await hedged(['a', 'b'], { raceLength: 9000 });
    const [a, b] = mirrors;
    await clock.pass(1000);
    await a.feed(2000);
    await b.feed(1500);
    await b.end();
    await a.breakOff();
    assert.ok(read.error instanceof MirrorError && read.error.code === 'mirror-truncated');
  });

  it('goes back when the one that took over stalls', async () => {
    const { clock, mirrors, read } = await hedged(['a', 'b']);
    const [a, b] = mirrors;
    await clock.pass(1000);
    await b.feed(1000);
    await clock.pass(2000);
    assert.deepEqual(a.opened, [0, 1000]);
    await a.feed(4000);
    assert.ok(read.isDone, String(read.error));
    assert.ok(read.bytes().equals(BYTES));
  });

  it('asks another mirror at once where the first one lost before, and then is patient again', async () => {
    const { clock, mirrors, read } = await hedged(['a', 'b'], { isSuspect: true });
    const [a, b] = mirrors;
    await clock.pass(0);
    assert.deepEqual(b.opened, [0]);
    await a.feed(1000);
    await clock.pass(999);
    assert.deepEqual(b.opened, [0]);
    await clock.pass(1);
    assert.deepEqual(b.opened, [0, 1000]);
    await b.feed(4000);
    assert.ok(read.isDone, String(read.error));
  });

  it('takes over at once from a body that fails', async () => {
    const { clock, mirrors, read } = await hedged(['a', 'b']);
    const [a, b] = mirrors;
    await a.feed(3000);
    await a.breakOff();
    assert.deepEqual(b.opened, [3000]);
    await b.feed(2000);
    assert.ok(read.isDone, String(read.error));
    assert.ok(read.bytes().equals(BYTES));
    assert.equal(clock.alarms, 0);
  });

  it('takes over where a mirror does not even answer', async () => {
    const { clock, mirrors, read } = await hedged(['a', 'b']);
    const [, b] = mirrors;
    mirrors[0].holdsBack = true;
    await clock.pass(1000);
    await b.feed(5000);
    assert.ok(read.isDone, String(read.error));
    assert.ok(read.bytes().equals(BYTES));
  });

  it('passes over mirrors that fail or have another length', async () => {
    const { clock, mirrors, read } = await hedged(['a', 'b', 'c']);
    const [a, b, c] = mirrors;
    await a.feed(100);
    await clock.pass(1000);
    await b.breakOff('mirror-not-found');
    assert.ok(!a.isCancelled);
    await clock.pass(2000);
    assert.deepEqual(c.opened, [100]);
    await c.feed(4900);
    assert.ok(read.isDone, String(read.error));
    const other = await hedged(['a', 'b'], { contents: BYTES.slice(0, 4000) });
    await other.mirrors[0].feed(100);
    await other.clock.pass(1000);
    assert.ok(other.mirrors[1].isCancelled);
    await other.mirrors[0].feed(4900);
    assert.ok(other.read.isDone);
  });

  it('fails with the error of the first mirror where no other one helps', async () => {
    for (const names of [['a'], ['a', 'b']]) {
      const { mirrors, read } = await hedged(names);
      const [a, b] = mirrors;
      await a.feed(1000);
      await a.breakOff();
      if (b !== undefined) await b.breakOff('mirror-not-found');
      assert.ok(read.error instanceof MirrorError, names.join());
      assert.equal(read.error.code, 'mirror-truncated');
    }
  });

  it('asks nobody else for a slow reader', async () => {
    const { clock, mirrors, looked, cancel } = await hedged(['a', 'b']);
    const [a] = mirrors;
    await a.feed(100);
    await cancel();
    await clock.pass(100_000);
    assert.ok(a.isCancelled);
    assert.deepEqual(looked, []);
    assert.equal(clock.alarms, 0);
  });

  it('waits for ever where that is wanted, but takes over from what fails', async () => {
    const { clock, mirrors, read } = await hedged(['a', 'b'], { after: 0 });
    const [a, b] = mirrors;
    await clock.pass(1e6);
    assert.deepEqual(b.opened, []);
    await a.breakOff();
    await b.feed(5000);
    assert.ok(read.isDone);
  });
});
