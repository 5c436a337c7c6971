import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MetadataError, MirrorError } from '../../src/core/errors.js';
import { type ObjectOpener, type ReadableObject, readAll } from '../../src/transport/read-object.js';

interface FakeBody {
  readonly chunks: readonly (Uint8Array | Error)[];
  readonly size?: number;
}

/** A store whose first answers are given; `cancelled` counts bodies that were given back. */
function fakeStore(bodies: readonly FakeBody[]): ObjectOpener & { opened: number; cancelled: number } {
  return {
    opened: 0,
    cancelled: 0,
    async open(): Promise<ReadableObject> {
      const { chunks, size } = bodies[this.opened++] ?? { chunks: [] };
      const rest = [...chunks];
      const body = new ReadableStream<Uint8Array>({
        pull: (controller) => {
          const next = rest.shift();
          if (next === undefined) controller.close();
          else if (next instanceof Error) throw next;
          else controller.enqueue(next);
        },
        cancel: () => {
          this.cancelled++;
        },
      });
      return { body, size, location: 'here' };
    },
  };
}

const broken = new MirrorError('mirror-truncated', 'broken', { retryable: true });

test('readAll joins the chunks', async () => {
  const store = fakeStore([{ chunks: [Uint8Array.of(1, 2), Uint8Array.of(3)] }]);
  assert.deepEqual(await readAll(store, 'x', { limit: 3 }), Uint8Array.of(1, 2, 3));
  assert.deepEqual(await readAll(fakeStore([]), 'x', { limit: 0 }), new Uint8Array(0));
});

test('readAll refuses more than the limit, announced or not, and gives the body back', async () => {
  const tooLarge = (error: unknown) => error instanceof MetadataError && error.code === 'metadata-too-large';
  const endless = fakeStore([{ chunks: Array.from({ length: 100 }, () => new Uint8Array(10)) }]);
  await assert.rejects(readAll(endless, 'x', { limit: 25 }), tooLarge);
  assert.equal(endless.cancelled, 1);
  const announced = fakeStore([{ chunks: [new Uint8Array(1)], size: 26 }]);
  await assert.rejects(readAll(announced, 'x', { limit: 25 }), tooLarge);
  assert.equal(announced.cancelled, 1);
  assert.equal(announced.opened, 1);
});

test('readAll starts again when a body breaks, three times at most', async () => {
  const chunks = [Uint8Array.of(9), broken];
  const store = fakeStore([{ chunks }, { chunks }, { chunks: [Uint8Array.of(7)] }]);
  assert.deepEqual(await readAll(store, 'x', { limit: 10 }), Uint8Array.of(7));
  const hopeless = fakeStore([{ chunks }, { chunks }, { chunks }, { chunks: [Uint8Array.of(7)] }]);
  await assert.rejects(readAll(hopeless, 'x', { limit: 10 }), broken);
  assert.equal(hopeless.opened, 3);
});

test('readAll does not start again after errors that stay', async () => {
  const lasting = new MirrorError('mirror-unreachable', 'gone');
  const store = fakeStore([{ chunks: [lasting] }]);
  await assert.rejects(readAll(store, 'x', { limit: 10 }), lasting);
  assert.equal(store.opened, 1);
});

test('readAll stops at an aborted signal with its reason', async () => {
  const controller = new AbortController();
  const reason = new Error('enough');
  const store = fakeStore([{ chunks: [new Uint8Array(1), new Uint8Array(1)] }]);
  controller.abort(reason);
  await assert.rejects(readAll(store, 'x', { limit: 10, signal: controller.signal }), reason);
  assert.equal(store.cancelled, 1);
});
