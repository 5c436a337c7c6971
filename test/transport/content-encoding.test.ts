import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { MirrorError } from '../../src/core/errors.js';
import { decodedObject, type EncodedObject } from '../../src/transport/content-encoding.js';
import { readBody } from '../../src/transport/read-object.js';

const TEXT = Buffer.from('metadata '.repeat(100_000));

function objectOf(bytes: Uint8Array, encoding: string | undefined, chunkSize = bytes.length): EncodedObject {
  const chunks = Array.from({ length: Math.ceil(bytes.length / chunkSize) }, (_, i) =>
    bytes.subarray(i * chunkSize, (i + 1) * chunkSize),
  );
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });
  return { body, size: bytes.length, location: 'https://host/x', encoding };
}

async function read(object: EncodedObject): Promise<Buffer> {
  return Buffer.from(await new Response((await decodedObject(object)).body).arrayBuffer());
}

function isWrong(encoding: string) {
  return (error: unknown) =>
    error instanceof MirrorError && error.code === 'mirror-encoding' && error.data.encoding === encoding;
}

const CASES: readonly (readonly [encoding: string | undefined, bytes: Uint8Array])[] = [
  [undefined, TEXT],
  ['', TEXT],
  ['identity', TEXT],
  ['gzip', gzipSync(TEXT)],
  ['GZIP', gzipSync(TEXT)],
  ['x-gzip', Buffer.concat([gzipSync(TEXT.subarray(0, 100)), gzipSync(TEXT.subarray(100))])],
  ['deflate', deflateSync(TEXT)],
  ['deflate', deflateRawSync(TEXT)],
  ['br', brotliCompressSync(TEXT)],
  ['br, gzip', gzipSync(brotliCompressSync(TEXT))],
  ['identity,gzip', gzipSync(TEXT)],
];

for (const [encoding, bytes] of CASES) {
  test(`decodedObject: "${encoding}", ${bytes.length} bytes, at every split`, async () => {
    for (const size of [1, 7, 511, 512, 513, bytes.length].filter((each) => each > bytes.length / 5000))
      assert.deepEqual(await read(objectOf(bytes, encoding, size)), TEXT, String(size));
  });
}

test('decodedObject refuses other encodings, and bytes in another than the one that is named', async () => {
  await assert.rejects(read(objectOf(TEXT, 'zstd')), isWrong('zstd'));
  const coders = [
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
  ] as const;
  for (const [encoding, encode] of coders) {
    await assert.rejects(read(objectOf(TEXT, encoding)), isWrong(encoding));
    const whole = encode(TEXT);
    await assert.rejects(read(objectOf(whole.subarray(0, whole.length - 9), encoding)), isWrong(encoding));
  }
});

test('decodedObject passes on what the body itself says', async () => {
  const broken = new MirrorError('mirror-truncated', 'It broke off');
  for (const first of [undefined, gzipSync(TEXT).subarray(0, 500)]) {
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (first !== undefined && controller.desiredSize === 1) controller.enqueue(first);
        controller.error(broken);
      },
    });
    await assert.rejects(read({ body, size: undefined, location: 'x', encoding: 'gzip' }), broken);
  }
});

test('decodedObject cancels the body when nobody wants the rest', async () => {
  let isCancelled = () => {};
  const cancelled = new Promise<void>((resolve) => (isCancelled = resolve));
  const bytes = gzipSync(Buffer.from(Array.from({ length: 3_000_000 }, (_, i) => (i * 7919) >> 5))).subarray(
    0,
    -8,
  );
  let at = 0;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      // Without an end: then it has nothing to say.
      if (at >= bytes.length) return new Promise(() => {});
      controller.enqueue(bytes.subarray(at, at + 1000));
      at += 1000;
      return undefined;
    },
    cancel: () => isCancelled(),
  });
  const decoded = await decodedObject({ body, size: undefined, location: 'x', encoding: 'gzip' });
  const reader = decoded.body.getReader();
  assert.ok((await reader.read()).value?.length);
  await reader.cancel();
  await cancelled;
});

test('readBody decodes, within its limit, and keeps bytes that have the digest as they came', async () => {
  const bytes = gzipSync(TEXT);
  assert.deepEqual(Buffer.from(await readBody(objectOf(bytes, 'gzip'), { limit: TEXT.length })), TEXT);
  await assert.rejects(readBody(objectOf(bytes, 'gzip'), { limit: TEXT.length - 1 }), /larger than/);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const limit = 2 * TEXT.length;
  assert.deepEqual(Buffer.from(await readBody(objectOf(bytes, 'gzip'), { limit, sha256 })), bytes);
  const again = objectOf(gzipSync(bytes), 'gzip');
  assert.deepEqual(Buffer.from(await readBody(again, { limit, sha256 })), bytes);
});
