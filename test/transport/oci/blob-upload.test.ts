import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { BlobUpload } from '../../../src/transport/oci/blob-upload.js';
import type { RegistryLogin } from '../../../src/transport/oci/login/registry-login.js';
import { RegistryClient } from '../../../src/transport/oci/registry-client.js';
import { parseRepositoryUrl } from '../../../src/transport/oci/repository-place.js';
import { digestOf, type FakeRegistryOptions, type FakeRequest } from '../../helpers/fake-registry.js';
import { recordingRetry } from '../http/recording-retry.js';
import { expectError, fakePlace, NAME } from './fake-place.js';

const PIECE = 1000;
const BYTES = randomBytes(4 * PIECE + 10);
const NOBODY: RegistryLogin = { isAnonymous: async () => true, close: async () => {} };
const isPiece = ({ method }: FakeRequest) => method === 'PATCH';
const isEnd = ({ method }: FakeRequest) => method === 'PUT';

/** Uploads in pieces that are small. */
async function uploading(t: TestContext, options: FakeRegistryOptions = {}, bytes = BYTES) {
  const { fake, repository } = await fakePlace(t, options);
  const place = parseRepositoryUrl(fake.url(NAME));
  const client = new RegistryClient({ place, login: NOBODY, http: { retry: recordingRetry(2) } });
  t.after(() => client.close());
  const has = async (digest: string) => (await repository.blobs.stat(digest)) !== undefined;
  const upload = await BlobUpload.begin({ client, has, pieceSize: PIECE });
  t.after(() => upload.discard());
  await upload.write(bytes);
  const methods = () => fake.log.map((line) => line.split(' ')[0]).join(' ');
  const isThere = () => fake.repository(NAME).blobs.get(digestOf(bytes))?.equals(bytes) ?? false;
  return { fake, upload, methods, isThere };
}

test('a large blob is sent in pieces, in order', async (t) => {
  const { upload, methods, isThere } = await uploading(t);
  await upload.commit(digestOf(BYTES));
  assert.equal(methods(), 'HEAD POST PATCH PATCH PATCH PATCH PATCH PUT');
  assert.ok(isThere());
});

test('a piece that does not arrive is sent again, and no other one', async (t) => {
  const { fake, upload, methods, isThere } = await uploading(t);
  let pieces = 0;
  fake.fail({ when: (request) => isPiece(request) && ++pieces === 3, keeps: 0 });
  await upload.commit(digestOf(BYTES));
  assert.equal(methods(), 'HEAD POST PATCH PATCH PATCH GET HEAD PATCH PATCH PATCH PUT');
  assert.ok(isThere());
});

test('half a piece is gone on from', async (t) => {
  const { fake, upload, isThere } = await uploading(t);
  fake.fail({ when: isPiece, keeps: 600 });
  await upload.commit(digestOf(BYTES));
  assert.ok(isThere());
  const sizes = fake.log.filter((line) => line.startsWith('PATCH')).length;
  assert.equal(sizes, 5);
});

test('an answer that is lost costs nothing', async (t) => {
  const { fake, upload, isThere } = await uploading(t);
  fake.fail({ when: isPiece, status: 502, isAfter: true, times: 2 });
  fake.fail({ when: isEnd, status: 502, isAfter: true });
  await upload.commit(digestOf(BYTES));
  assert.ok(isThere());
  assert.equal(fake.log.filter((line) => line.startsWith('PATCH')).length, 5);
});

test('an upload that the registry loses begins anew', async (t) => {
  const { fake, upload, methods, isThere } = await uploading(t);
  fake.fail({
    when: (request) => isPiece(request) && fake.log.filter((line) => line.startsWith('PATCH')).length === 2,
    get status() {
      fake.uploads.clear();
      return 404;
    },
  });
  await upload.commit(digestOf(BYTES));
  assert.equal(methods(), 'HEAD POST PATCH PATCH PATCH GET HEAD POST PATCH PATCH PATCH PATCH PATCH PUT');
  assert.ok(isThere());
});

test('a registry that does not take pieces gets all at once', async (t) => {
  const { upload, methods, isThere } = await uploading(t, { hasNoPieces: true });
  await upload.commit(digestOf(BYTES));
  assert.equal(methods(), 'HEAD POST PATCH POST PUT');
  assert.ok(isThere());
});

test('pieces are as large as the registry wants them', async (t) => {
  const { upload, methods, isThere } = await uploading(t, { leastPiece: 2 * PIECE });
  await upload.commit(digestOf(BYTES));
  assert.equal(methods(), 'HEAD POST PATCH PATCH PATCH PUT');
  assert.ok(isThere());
});

test('tries without progress end', async (t) => {
  const { fake, upload } = await uploading(t);
  fake.fail({ when: isPiece, status: 503, times: 1000 });
  await assert.rejects(upload.commit(digestOf(BYTES)), expectError('mirror-http-status', /503/));
  await upload.discard();
  assert.equal(fake.uploads.size, 0);
});

test('a registry that never gets further is not sent to for ever', { timeout: 10_000 }, async (t) => {
  const { fake, upload } = await uploading(t);
  fake.fail({ when: isPiece, status: 202, headers: { range: '0-9' }, times: 1000 });
  await assert.rejects(upload.commit(digestOf(BYTES)), expectError('mirror-write-failed', /10 bytes/));
  assert.ok(fake.log.length < 10);
  await upload.discard();
  assert.equal(fake.uploads.size, 0);
});

test('what is refused for good is not tried again, and given up', async (t) => {
  const { fake, upload, methods } = await uploading(t);
  let pieces = 0;
  fake.fail({ when: (request) => isPiece(request) && ++pieces === 2, status: 403 });
  await assert.rejects(upload.commit(digestOf(BYTES)), expectError('mirror-login-failed'));
  await upload.discard();
  assert.equal(methods(), 'HEAD POST PATCH PATCH DELETE');
  assert.equal(fake.uploads.size, 0);
});

test('an upload that somebody else made needless is given up at once', async (t) => {
  const { fake, upload } = await uploading(t);
  fake.fail({
    when: isPiece,
    get status() {
      fake.repository(NAME).blobs.set(digestOf(BYTES), BYTES);
      return 502;
    },
  });
  await upload.commit(digestOf(BYTES));
  assert.equal(fake.uploads.size, 0);
});

test('the rest of a small blob says where it begins', async (t) => {
  const { fake, upload, methods, isThere } = await uploading(t, {}, BYTES.subarray(0, PIECE));
  fake.fail({ when: isEnd, keeps: 600 });
  await upload.commit(digestOf(BYTES.subarray(0, PIECE)));
  assert.equal(methods(), 'HEAD POST PUT GET HEAD PUT');
  assert.ok(isThere());
});
