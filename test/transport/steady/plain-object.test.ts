import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, afterEach, before, describe, it } from 'node:test';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { MirrorError } from '../../../src/core/errors.js';
import type { ObjectStore, OpenOptions } from '../../../src/transport/object-store.js';
import { openObjectStore } from '../../../src/transport/open-store.js';
import { MirrorServer } from '../../helpers/mirror-server.js';
import { SeededRandom } from '../../helpers/seeded-random.js';
import { type UnsteadyAnswer, UnsteadyObject } from '../../helpers/unsteady-object.js';
import { collect, recordingRetry } from '../http/recording-retry.js';

const random = new SeededRandom(3);
const PLAIN = Buffer.from(Uint8Array.from({ length: 700_000 }, () => random.below(200)));
const TARBALL = gzipSync(PLAIN);
const TEXT = Buffer.from('{"spec": {}}');

function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function labelled(encoding: string, more: UnsteadyAnswer = {}): UnsteadyAnswer {
  return { tag: '"a"', headers: { 'content-encoding': encoding }, ...more };
}

describe('plainObject', () => {
  let server: MirrorServer;
  let store: ObjectStore;
  before(async () => {
    server = await MirrorServer.start();
  });
  afterEach(() => store.close?.());
  after(() => server.close());

  function place(sent: Buffer, answers: readonly UnsteadyAnswer[]) {
    const object = new UnsteadyObject(sent, answers);
    server.handle('/x', object.handler);
    store = openObjectStore(server.url, { retry: recordingRetry(), environment: {} });
    const read = async (options: OpenOptions = {}) => {
      const opened = await store.open('x', { ...options, unlessTag: undefined });
      return { ...opened, bytes: (await collect(opened.body)).bytes };
    };
    return { object, read };
  }

  interface Case {
    readonly sent: Buffer;
    readonly encoding: string;
    readonly stored: Buffer;
    /** Whether its digest is known. */
    readonly isChecked?: boolean;
  }
  const cases: Readonly<Record<string, Case>> = {
    'a tarball that is only labelled': { sent: TARBALL, encoding: 'gzip', stored: TARBALL, isChecked: true },
    'a tarball that was compressed once more': {
      sent: gzipSync(TARBALL),
      encoding: 'x-gzip',
      stored: TARBALL,
      isChecked: true,
    },
    'a tarball in brotli': {
      sent: brotliCompressSync(TARBALL),
      encoding: 'br',
      stored: TARBALL,
      isChecked: true,
    },
    'a tarball with a wrong label of brotli': {
      sent: TARBALL,
      encoding: 'br',
      stored: TARBALL,
      isChecked: true,
    },
    'a tarball with a label that nobody knows': {
      sent: TARBALL,
      encoding: 'zstd',
      stored: TARBALL,
      isChecked: true,
    },
    'metadata in gzip': { sent: gzipSync(TEXT), encoding: 'gzip', stored: TEXT },
    'metadata in deflate': { sent: deflateSync(TEXT), encoding: 'deflate', stored: TEXT },
    'metadata that is only labelled': { sent: TEXT, encoding: 'GZIP', stored: TEXT },
    'what says that it is not encoded': { sent: TARBALL, encoding: 'identity', stored: TARBALL },
  };
  for (const [name, { sent, encoding, stored, isChecked }] of Object.entries(cases)) {
    it(`reads ${name}`, async () => {
      const { read } = place(sent, [labelled(encoding)]);
      const { bytes, size } = await read(isChecked ? { sha256: digestOf(stored) } : {});
      assert.ok(bytes.equals(stored));
      assert.ok(size === undefined || size === stored.length, String(size));
    });
  }

  const hasCode =
    (code: string, retryable = false) =>
    (error: unknown) => {
      assert.ok(error instanceof MirrorError, String(error));
      assert.deepEqual([error.code, error.retryable], [code, retryable]);
      return true;
    };

  it('learns from the digest that bytes were to be read the other way', async () => {
    const { read } = place(gzipSync(PLAIN), [labelled('gzip')]);
    const sha256 = digestOf(PLAIN);
    await assert.rejects(read({ sha256 }), hasCode('mirror-encoding', true));
    assert.ok((await read({ sha256 })).bytes.equals(PLAIN));
  });

  it('leaves it to the reader when neither has the digest', async () => {
    const { read } = place(TARBALL, [labelled('gzip')]);
    const sha256 = digestOf(TEXT);
    await assert.rejects(read({ sha256 }), hasCode('mirror-encoding', true));
    assert.ok((await read({ sha256 })).bytes.equals(PLAIN));
  });

  it('refuses what it cannot decode', async () => {
    await assert.rejects(place(TEXT, [labelled('zstd')]).read(), hasCode('mirror-encoding'));
    await store.close?.();
    const broken = Buffer.concat([TARBALL.subarray(0, 1000), TARBALL.subarray(1010)]);
    await assert.rejects(place(broken, [labelled('gzip')]).read(), hasCode('mirror-encoding'));
    await store.close?.();
    await assert.rejects(
      place(TARBALL.subarray(0, 9999), [labelled('gzip')]).read(),
      hasCode('mirror-encoding'),
    );
  });

  it('goes on in the encoded bytes where they break off', async () => {
    const sent = gzipSync(TARBALL);
    const cutAt = Math.floor(sent.length * 0.6);
    const { object, read } = place(sent, [labelled('gzip', { cutAt }), labelled('gzip')]);
    const { bytes } = await read({ sha256: digestOf(TARBALL) });
    assert.ok(bytes.equals(TARBALL));
    assert.deepEqual(object.asked, [undefined, `bytes=${cutAt}-`]);
  });

  it('takes no part of encoded bytes for a part of the object', async () => {
    const { read } = place(TARBALL, [labelled('gzip')]);
    const range = { start: 1000 };
    await assert.rejects(read({ range }), hasCode('mirror-encoding'));
    await read({ sha256: digestOf(TARBALL) });
    assert.ok((await read({ range })).bytes.equals(TARBALL.subarray(1000)));
  });
});
