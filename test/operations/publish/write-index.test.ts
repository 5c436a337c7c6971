// Many writers of one index, at every kind of place that can be written to.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Mirror } from '../../../src/mirror/build-cache.js';
import { IndexClient } from '../../../src/mirror/index/index-client.js';
import { openMirror, type PublishedLayout } from '../../../src/mirror/open-mirror.js';
import { requirePublisher } from '../../../src/mirror/require-publisher.js';
import { indexMirror } from '../../../src/operations/publish/index-mirror.js';
import { FakeRegistry } from '../../helpers/fake-registry.js';
import { FakeS3, type Fault } from '../../helpers/fake-s3.js';
import { temporaryFolder } from '../../store/temporary-folder.js';
import { pushables, pushThrough } from '../mirror/layer-3-mirror.js';

interface Place {
  /** Opens it as another process would. */
  open(): Promise<Mirror>;
}

async function filePlace(t: TestContext, layout: PublishedLayout): Promise<Place> {
  const folder = join(temporaryFolder(t), 'mirror');
  mkdirSync(folder);
  return { open: () => openMirror(folder, { layout }) };
}

async function bucketPlace(t: TestContext, layout: PublishedLayout, fault?: Fault): Promise<Place> {
  const fake = await FakeS3.start({ pageSize: 100 });
  if (fault !== undefined) fake.fail(fault);
  const opened: Mirror[] = [];
  t.after(async () => {
    for (const { cache } of opened) await cache.close?.();
    await fake.close();
  });
  const open = async () => {
    const mirror = await openMirror('s3://bucket/mirror', { layout, environment: fake.environment });
    opened.push(mirror);
    return mirror;
  };
  return { open };
}

async function registryPlace(t: TestContext): Promise<Place> {
  const fake = await FakeRegistry.start({ pageSize: 10 });
  const opened: Mirror[] = [];
  t.after(async () => {
    for (const { cache } of opened) await cache.close?.();
    await fake.close();
  });
  const open = async () => {
    const mirror = await openMirror(fake.url('some/cache'), { layout: 2, environment: {} });
    opened.push(mirror);
    return mirror;
  };
  return { open };
}

/** A server that knows no conditions. */
const UNCONDITIONAL: Fault = {
  when: ({ method, headers }) =>
    method === 'PUT' && (headers['if-match'] !== undefined || headers['if-none-match'] !== undefined),
  times: Number.POSITIVE_INFINITY,
  status: 501,
  code: 'NotImplemented',
};

const PLACES: readonly (readonly [string, (t: TestContext) => Promise<Place>])[] = [
  ['a folder of layout 1', (t) => filePlace(t, 1)],
  ['a folder of layout 3', (t) => filePlace(t, 3)],
  ['a bucket of layout 2', (t) => bucketPlace(t, 2)],
  ['a bucket of layout 3', (t) => bucketPlace(t, 3)],
  ['a bucket of layout 3 without conditions', (t) => bucketPlace(t, 3, UNCONDITIONAL)],
  ['a registry', registryPlace],
];

async function offered(t: TestContext, place: Place): Promise<string[]> {
  const client = new IndexClient({ cacheFolder: temporaryFolder(t), mirrors: [await place.open()] });
  return [...(await client.load()).catalog.entries()].map(({ hash }) => hash).sort();
}

for (const [name, make] of PLACES) {
  test(`indexMirror of many writers ends with all packages in ${name}`, async (t) => {
    const place = await make(t);
    // An image needs those of its dependencies, so these would have to come first.
    const all = pushables(24, { areChained: make !== registryPlace });
    const push = async (numbers: readonly number[]) => {
      const mirror = await place.open();
      for (const number of numbers) {
        const pushable = all[number];
        assert.ok(pushable);
        await pushThrough(requirePublisher(mirror.cache), pushable);
      }
      await indexMirror({ mirror, isUpdate: true });
    };
    await Promise.all(Array.from({ length: 8 }, (_, n) => push([n, n + 8, n + 16])));
    assert.deepEqual(await offered(t, place), all.map(({ spec }) => spec.root.hash as string).sort());
  });
}

test('indexMirror makes an index anew beside somebody who adds to it', async (t) => {
  const place = await filePlace(t, 3);
  const all = pushables(12);
  const mirror = await place.open();
  for (const each of all.slice(0, 6)) await pushThrough(requirePublisher(mirror.cache), each);
  const add = async (number: number) => {
    const own = await place.open();
    const pushable = all[number];
    assert.ok(pushable);
    await pushThrough(requirePublisher(own.cache), pushable);
    await indexMirror({ mirror: own, isUpdate: number % 2 === 0 });
  };
  await Promise.all([indexMirror({ mirror }), ...[6, 7, 8, 9, 10, 11].map(add)]);
  assert.equal((await offered(t, place)).length, 12);
});

/** A mirror that counts the specfiles that are read. */
async function countingMirror(place: Place) {
  const { cache, ...mirror } = await place.open();
  let count = 0;
  const layers = (cache.layers ?? []).map((layer) => {
    const counted = Object.create(layer) as typeof layer;
    Object.defineProperty(counted, 'packages', {
      value: async function* (options: object) {
        for await (const listed of layer.packages?.(options) ?? []) {
          const read: typeof listed.read = (how) => {
            count++;
            return listed.read(how);
          };
          const { hash, location } = listed;
          yield { hash, location, read };
        }
      },
    });
    return counted;
  });
  const whole = Object.create(cache) as typeof cache;
  Object.defineProperty(whole, 'layers', { value: layers });
  return { mirror: { ...mirror, cache: whole }, count: () => count };
}

test('indexMirror reads only what an index does not have yet, when it is told to update it', async (t) => {
  for (const layout of [1, 3] as const) {
    const place = await filePlace(t, layout);
    const all = pushables(9);
    const { cache } = await place.open();
    for (const each of all.slice(0, 7)) await pushThrough(requirePublisher(cache), each);
    const updated = async (isUpdate: boolean) => {
      const { mirror, count } = await countingMirror(place);
      const { packages, records, sha256, size } = await indexMirror({ mirror, isUpdate });
      return { read: count(), packages, records, sha256, size };
    };
    assert.equal((await updated(true)).read, 7);
    for (const each of all.slice(7)) await pushThrough(requirePublisher(cache), each);
    const update = await updated(true);
    assert.equal(update.read, 2);
    const again = await updated(true);
    assert.deepEqual(again, { ...update, read: 0 });
    // The bytes are those of an index that is made anew.
    assert.deepEqual(await updated(false), { ...update, read: 9 });
  }
});

test('indexMirror makes an index anew where it cannot be updated', async (t) => {
  const folder = join(temporaryFolder(t), 'mirror');
  mkdirSync(folder);
  const place = { open: () => openMirror(folder, { layout: 1 }) };
  const all = pushables(4);
  const { cache } = await place.open();
  for (const each of all) await pushThrough(requirePublisher(cache), each);
  const { sha256 } = await indexMirror({ mirror: await place.open() });
  const file = join(folder, 'build_cache/index.json');
  const good = readFileSync(file, 'utf8');
  const broken: Record<string, string> = {
    empty: '',
    'not an index': '{"database":{}}',
    'of another version': good.replace('"version":"7"', '"version":"5"'),
    'without a dependency': good.replace(
      /,?"[a-z0-9]{32}":\{"spec":\{"name":"p0".*?"in_buildcache":true\}/,
      '',
    ),
    'with a package that is gone': good.replaceAll(all[3]?.spec.root.hash ?? '', 'a'.repeat(32)),
  };
  for (const [what, text] of Object.entries(broken)) {
    assert.notEqual(text, good, what);
    writeFileSync(file, text);
    rmSync(`${file}.hash`);
    const report = await indexMirror({ mirror: await place.open(), isUpdate: true });
    assert.deepEqual([report.sha256, report.packages], [sha256, 4], what);
  }
});
