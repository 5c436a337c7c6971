import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CredentialCache } from '../../../src/transport/s3/credentials/credentials.js';
import { makeSigner, sha256Hex } from '../../../src/transport/s3/signer.js';

/** "Signature Calculations for the Authorization Header", examples of the Amazon S3 API Reference. */
const HOST = 'examplebucket.s3.amazonaws.com';
const CREDENTIALS = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
};
const EXAMPLES = [
  { search: '?lifecycle=', signature: 'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543' },
  {
    search: '?max-keys=2&prefix=J',
    signature: '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7',
  },
];

function signerFor(credentials = CREDENTIALS as typeof CREDENTIALS | undefined) {
  return makeSigner({
    credentials: new CredentialCache(async () => credentials),
    region: () => 'us-east-1',
    clockOffset: () => Date.parse('2013-05-24T00:00:00.500Z') - Date.now(),
    host: () => HOST,
  });
}

function hopTo(href: string) {
  const headers = { 'x-amz-content-sha256': sha256Hex(new Uint8Array(0)), accept: '*/*' };
  return { method: 'GET', url: new URL(href), headers, body: undefined, attempt: 1 };
}

test('makeSigner signs the examples of the reference', async () => {
  for (const { search, signature } of EXAMPLES) {
    const proof = await signerFor().authorize?.(hopTo(`https://${HOST}/${search}`));
    assert.match(proof?.authorization ?? '', new RegExp(`Signature=${signature}$`));
    assert.match(proof?.authorization ?? '', /SignedHeaders=host;x-amz-content-sha256;x-amz-date,/);
    assert.equal(proof?.['x-amz-date'], '20130524T000000Z');
  }
});

test('makeSigner signs nothing for others, and nothing without credentials', async () => {
  const elsewhere = hopTo('https://example.com/x');
  assert.equal(await signerFor().authorize?.(elsewhere), undefined);
  const nobody = makeSigner({
    credentials: new CredentialCache(async () => undefined),
    region: () => 'us-east-1',
    clockOffset: () => 0,
    host: () => HOST,
  });
  assert.equal(await nobody.authorize?.(hopTo(`https://${HOST}/x`)), undefined);
  assert.notEqual(await signerFor().authorize?.(hopTo('https://x.s3.eu-west-1.amazonaws.com/x')), undefined);
});
