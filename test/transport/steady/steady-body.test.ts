import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, afterEach, before, describe, it } from 'node:test';
import { MirrorError } from '../../../src/core/errors.js';
import type { ObjectStore, OpenOptions } from '../../../src/transport/object-store.js';
import { openObjectStore } from '../../../src/transport/open-store.js';
import { DEFAULT_SETTINGS } from '../../../src/transport/steady/transfer-settings.js';
import { MirrorServer } from '../../helpers/mirror-server.js';
import { type UnsteadyAnswer, UnsteadyObject } from '../../helpers/unsteady-object.js';
import { collect, recordingRetry } from '../http/recording-retry.js';

const SIZE = 1_000_000;
const BYTES = Buffer.from(Uint8Array.from({ length: SIZE }, (_, i) => (i * 31 + (i >> 8)) % 251));
const OTHER = Buffer.from(BYTES.map((byte) => byte ^ 1));
const SHA256 = createHash('sha256').update(BYTES).digest('hex');
const TAG = '"one"';
const LONG_AGO = 'Tue, 01 Mar 2022 10:00:00 GMT';

describe('steadyBody', () => {
  let server: MirrorServer;
  const stores: ObjectStore[] = [];
  before(async () => {
    server = await MirrorServer.start();
  });
  afterEach(async () => {
    for (const store of stores.splice(0)) await store.close?.();
  });
  after(() => server.close());

  async function read(answers: readonly UnsteadyAnswer[], options: OpenOptions = {}) {
    const object = new UnsteadyObject(BYTES, answers);
    server.handle('/x', object.handler);
    const retry = recordingRetry();
    const store = openObjectStore(server.url, { retry, environment: {} });
    stores.push(store);
    const read = async () => {
      const opened = await store.open('x', { ...options, unlessTag: undefined });
      return (await collect(opened.body)).bytes;
    };
    return { object, retry, read };
  }

  const SAME = { tag: TAG };
  it('goes on where a body broke off at 60 %, and moves no byte twice', async () => {
    const { object, retry, read: bytes } = await read([{ ...SAME, cutAt: 600_000 }, SAME]);
    assert.ok((await bytes()).equals(BYTES));
    assert.deepEqual(object.asked, [undefined, 'bytes=600000-']);
    assert.deepEqual(object.conditions[1], { tag: TAG, modified: undefined });
    assert.equal(object.sent, SIZE);
    assert.equal(retry.waits.length, 1);
  });

  const goesOn: Readonly<Record<string, readonly [UnsteadyAnswer[], OpenOptions?]>> = {
    'again and again, as long as something comes': [
      [100, 5000, 5001, 300_000, 999_999, SIZE]
        .map((cutAt) => ({ ...SAME, cutAt }))
        .concat({ ...SAME, cutAt: SIZE }),
    ],
    'by the time of its last change, where there is no strong tag': [
      [
        { tag: 'W/"a"', modified: LONG_AGO, cutAt: 600_000 },
        { tag: 'W/"b"', modified: LONG_AGO },
      ],
    ],
    'where nothing tells the object, but its reader looks at the digest': [
      [{ cutAt: 600_000 }, {}],
      { sha256: SHA256 },
    ],
    'where the server ignores the range': [
      [
        { ...SAME, cutAt: 600_000 },
        { ...SAME, knowsRanges: false },
      ],
    ],
    'in a part of an object': [[{ ...SAME, cutAt: 600_000 }, SAME], { range: { start: 0 } }],
  };
  for (const [name, [answers, options]] of Object.entries(goesOn)) {
    it(`goes on ${name}`, async () => {
      const { read: bytes } = await read(answers, options);
      assert.ok((await bytes()).equals(BYTES));
    });
  }

  const CUT = { ...SAME, cutAt: 600_000 };
  const fails: Readonly<Record<string, readonly [UnsteadyAnswer[], string, OpenOptions?]>> = {
    'an object that has changed': [[CUT, { tag: '"two"', bytes: OTHER }], 'mirror-changed'],
    'an object that has changed where the server ignores conditions': [
      [CUT, { tag: '"two"', bytes: OTHER, knowsConditions: false }],
      'mirror-changed',
    ],
    'an object that has changed where the server ignores the range': [
      [CUT, { tag: '"two"', bytes: OTHER, knowsConditions: false, knowsRanges: false }],
      'mirror-changed',
    ],
    'an object that was written to since': [
      [
        { modified: LONG_AGO, cutAt: 600_000 },
        { modified: 'Tue, 01 Mar 2022 10:00:01 GMT', bytes: OTHER },
      ],
      'mirror-changed',
    ],
    'an object without a tag that became longer': [
      [{ cutAt: 600_000 }, { bytes: Buffer.concat([BYTES, BYTES]) }],
      'mirror-changed',
      { sha256: SHA256 },
    ],
    'an object without a tag that became shorter than what was read': [
      [{ cutAt: 600_000 }, { bytes: BYTES.subarray(0, 100) }],
      'mirror-changed',
      { sha256: SHA256 },
    ],
    'a server that announces more than there is': [
      [{ ...SAME, cutAt: SIZE, headers: { 'content-length': String(SIZE + 10) } }, SAME],
      'mirror-length',
    ],
    'a server that tells another total in the rest': [
      [CUT, { ...SAME, headers: { 'content-range': `bytes 600000-${SIZE - 1}/${SIZE + 5}` } }],
      'mirror-range',
    ],
    'a server that sends another part': [
      [CUT, { ...SAME, headers: { 'content-range': `bytes 600001-${SIZE - 1}/${SIZE}` } }],
      'mirror-range',
    ],
    'a rest that is encoded otherwise': [
      [CUT, { ...SAME, headers: { 'content-encoding': 'gzip' } }],
      'mirror-changed',
    ],
    'a body that nothing tells from another one': [[{ cutAt: 600_000 }, {}], 'mirror-truncated'],
  };
  for (const [name, [answers, code, options]] of Object.entries(fails)) {
    it(`fails for ${name}: ${code}`, async () => {
      const { read: bytes } = await read(answers, options);
      await assert.rejects(bytes, (error: unknown) => error instanceof MirrorError && error.code === code);
    });
  }

  it('never tells the credentials of a URL', async () => {
    const secret = 'p4ssw0rd';
    server.handle('/y', new UnsteadyObject(BYTES, [CUT, { tag: '"two"' }]).handler);
    server.handle('/z', new UnsteadyObject(BYTES, [CUT]).handler);
    const url = `http://user:${secret}@127.0.0.1:${server.port}/`;
    const told: string[] = [];
    const settings = { ...DEFAULT_SETTINGS, failuresInRow: 1 };
    const onLeftAlone = (error: MirrorError) => void told.push(error.message, JSON.stringify(error.data));
    const retry = recordingRetry();
    const store = openObjectStore(`${url}?key=${secret}`, { retry, environment: {}, settings, onLeftAlone });
    stores.push(store);
    for (const path of ['y', 'z', 'z']) {
      const reading = store.open(path).then(({ body }) => collect(body));
      await reading.catch((error: MirrorError) => {
        for (let each: unknown = error; each instanceof Error; each = each.cause)
          told.push(each.message, JSON.stringify(each), String(error.hint));
      });
    }
    assert.ok(told.length >= 8);
    assert.deepEqual(
      told.filter((text) => text.includes(secret)),
      [],
    );
  });

  it('gives up after attempts that bring nothing, and says how many', async () => {
    const { object, retry, read: bytes } = await read([CUT]);
    await assert.rejects(bytes, (error: unknown) => {
      assert.ok(error instanceof MirrorError);
      assert.equal(error.code, 'mirror-truncated');
      assert.equal(error.data.attempts, 4);
      return true;
    });
    assert.equal(object.asked.length, 4 + 0);
    assert.deepEqual(
      retry.waits.map(({ attempt }) => attempt),
      [1, 2, 3],
    );
  });
});
