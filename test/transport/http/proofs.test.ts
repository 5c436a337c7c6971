import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Proofs } from '../../../src/transport/http/proofs.js';
import { expectError } from '../s3/fake-place.js';
import { collect } from './recording-retry.js';

const SIGNATURE = '0123456789abcdef'.repeat(4);
const PASSWORD = 'correct/horse+battery';

function proofs(): Proofs {
  const found = new Proofs(['a token in the URL']);
  found.addHeaders({
    authorization: `Basic ${Buffer.from(`user:${PASSWORD}`).toString('base64')}`,
    'x-amz-date': '20260102T030405Z',
  });
  found.addHeaders({
    authorization: `AWS4-HMAC-SHA256 Credential=AKIA/20260102/r/s3/aws4_request, SignedHeaders=host, Signature=${SIGNATURE}`,
  });
  found.addQuery(new URL('http://h/?X-Amz-Signature=of-the-signed-url&list=everything-there-is'));
  return found;
}

const REPEATED = [
  PASSWORD,
  encodeURIComponent(PASSWORD),
  PASSWORD.replaceAll('/', '\\/'),
  `user:${PASSWORD}`,
  Buffer.from(`user:${PASSWORD}`).toString('base64'),
  SIGNATURE,
  'AKIA/20260102/r/s3/aws4_request',
  'of-the-signed-url',
  'a token in the URL',
];
const OTHERS = ['user', 'AKIA', '20260102T030405Z', 'everything-there-is', 'AWS4-HMAC-SHA256', ''];

function streamOf(text: string, size: number): ReadableStream<Uint8Array> {
  const bytes = Buffer.from(text);
  const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
    Uint8Array.from(bytes.subarray(index * size, (index + 1) * size)),
  );
  return ReadableStream.from(chunks) as ReadableStream<Uint8Array>;
}

describe('Proofs', () => {
  test('are found in values, and in bodies wherever their chunks end', async () => {
    const found = proofs();
    for (const text of REPEATED) {
      assert.ok(found.areIn(`<${text}>`), text);
      for (const size of [1, 7, 1000])
        await assert.rejects(
          collect(found.guard(streamOf(`${'x'.repeat(100)}${text} and more`, size), 'http://h/x')),
          expectError('mirror-not-a-buildcache', /^Cannot read "http:\/\/h\/x": the answer repeats/),
        );
    }
  });

  test('leave other bodies as they are', async () => {
    const text = OTHERS.join(' ');
    for (const other of OTHERS) assert.ok(!proofs().areIn(other), other);
    for (const size of [1, 7, 1000]) {
      const { bytes } = await collect(proofs().guard(streamOf(text, size), 'x'));
      assert.equal(bytes.toString(), text);
    }
    const body = streamOf(text, 10);
    assert.equal(new Proofs().guard(body, 'x'), body, 'without a proof nothing is looked for');
  });

  test('are not shown where a redirect leads to them', () => {
    const found = proofs();
    for (const [url, shown] of [
      ['https://cdn.example/m/x?a=b', /^https:\/\/cdn\.example\/m\/x\?redacted-/],
      [`https://cdn.example/${encodeURIComponent(PASSWORD)}/x`, /^https:\/\/…$/],
      ['https://correct-horse-batt.example/x', /^https:\/\/…$/],
      [`http://cdn.example/${SIGNATURE.slice(0, 20)}`, /^http:\/\/…$/],
    ] as const)
      assert.match(found.shown(new URL(url)), shown);
    const short = new Proofs(['abc']);
    assert.equal(short.shown(new URL('http://h/abcd/x')), 'http://h/abcd/x');
    assert.equal(short.shown(new URL('http://h/abc/x')), 'http://…');
  });
});
