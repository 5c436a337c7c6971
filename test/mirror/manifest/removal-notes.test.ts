// Notes of prunes: what two looks at them tell, and which of them go.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  lookForRemovals,
  noteRemoval,
  type RemovalLook,
} from '../../../src/mirror/manifest/removal-notes.js';
import type { ObjectLister, ObjectWriter } from '../../../src/transport/object-store.js';
import { openObjectStore } from '../../../src/transport/open-store.js';
import { FakeS3, type FakeS3Options } from '../../helpers/fake-s3.js';
import { recordingRetry } from '../../transport/http/recording-retry.js';

async function bucket(t: { after(work: () => unknown): void }, options: FakeS3Options = {}) {
  const fake = await FakeS3.start(options);
  const store = openObjectStore('s3://bucket', { environment: fake.environment, retry: recordingRetry(2) });
  t.after(async () => {
    await store.close?.();
    await fake.close();
  });
  const place = { lister: store.lister as ObjectLister, writer: store.writer as ObjectWriter };
  const look = async () => (await lookForRemovals(place.lister)) as RemovalLook;
  return { fake, place, look };
}

test('lookForRemovals tells a removal that began, went on, or both began and ended between two looks', async (t) => {
  const { place, look } = await bucket(t);
  const none = await look();
  assert.ok((await look()).isQuietSince(none));
  const note = await noteRemoval(place);
  const running = await look();
  assert.ok(running.isRunning && !running.isQuietSince(none));
  assert.ok(!(await look()).isQuietSince(running), 'it may have removed something since');
  await note.end();
  const ended = await look();
  assert.ok(!ended.isRunning && !ended.isQuietSince(none) && !ended.isQuietSince(running));
  assert.ok((await look()).isQuietSince(ended));
});

test('noteRemoval removes ended notes, but is seen itself by whoever looked before these', async (t) => {
  const { fake, place, look } = await bucket(t);
  const before = await look();
  await (await noteRemoval(place)).end();
  const between = await look();
  await (await noteRemoval(place)).end();
  assert.equal(fake.objects.size, 1);
  const after = await look();
  assert.ok(!after.isQuietSince(before) && !after.isQuietSince(between) && after.isQuietSince(after));
});

test('noteRemoval leaves notes of others that may be at work, whatever the clock here says', async (t) => {
  const { fake, place, look } = await bucket(t);
  const DAY = 24 * 3_600_000;
  fake.writes = () => Date.parse('2001-01-01T00:00:00Z');
  await noteRemoval(place);
  fake.writes = () => Date.parse('2001-01-07T00:00:00Z');
  const second = await noteRemoval(place);
  assert.equal(fake.objects.size, 2);
  fake.writes = () => Date.parse('2001-01-01T00:00:00Z') + 8 * DAY;
  const third = await noteRemoval(place);
  assert.equal(fake.objects.size, 2, 'the first was killed a week ago');
  await second.end();
  assert.ok((await look()).isRunning);
  await third.end();
  assert.ok(!(await look()).isRunning);
});

test('lookForRemovals says nothing where lists are denied', async (t) => {
  const { place } = await bucket(t, { hidesAbsence: true });
  assert.equal(await lookForRemovals(place.lister), undefined);
});
