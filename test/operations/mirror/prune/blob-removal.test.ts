// Prunes and pushes at the same time, step by step: whatever the order of their requests, what a manifest names is there at the end.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import type { Publisher, SignText } from '../../../../src/mirror/build-cache.js';
import { ManifestCache } from '../../../../src/mirror/manifest/manifest-cache.js';
import { requirePublisher } from '../../../../src/mirror/require-publisher.js';
import { pruneMirror } from '../../../../src/operations/mirror/prune/prune-mirror.js';
import { indexMirror } from '../../../../src/operations/publish/index-mirror.js';
import type { ObjectStore } from '../../../../src/transport/object-store.js';
import { openObjectStore } from '../../../../src/transport/open-store.js';
import { FakeS3 } from '../../../helpers/fake-s3.js';
import { SeededRandom } from '../../../helpers/seeded-random.js';
import { type Gate, SteppedRun, steppedStore } from '../../../helpers/stepped-run.js';
import { clearsign, makeKey } from '../../../signature/temporary-keys.js';
import { temporaryFolder } from '../../../store/temporary-folder.js';
import { recordingRetry } from '../../../transport/http/recording-retry.js';
import { pushables, pushInto, pushSettled, pushThrough } from '../layer-3-mirror.js';

const DAY = 24 * 3_600_000;
const ROUNDS = Number(process.env.REGRAFT_ROUNDS ?? 10);

/** A mirror that can be set back. */
interface Place {
  readonly store: ObjectStore;
  /** Everything is as the template has it, and old. */
  reset(template: string): void;
  /** Content by path. */
  content(): ReadonlyMap<string, Uint8Array>;
}

function filesOf(folder: string): Map<string, Buffer> {
  const paths = (readdirSync(folder, { recursive: true }) as string[]).sort();
  const files = paths.filter((path) => statSync(join(folder, path)).isFile());
  return new Map(files.map((path) => [path, readFileSync(join(folder, path))]));
}

const TWO_DAYS_AGO = () => Date.now() - 2 * DAY;

/** Makes a folder hold what a template does. Files that are as they shall be stay: to write all of them anew took a quarter of the time. */
function restore(folder: string, template: ReadonlyMap<string, Uint8Array>): void {
  mkdirSync(folder, { recursive: true });
  const paths = [...template.keys()];
  for (const path of readdirSync(folder, { recursive: true }) as string[])
    if (!paths.some((each) => each === path || each.startsWith(`${path}/`)))
      rmSync(join(folder, path), { recursive: true, force: true });
  const found = filesOf(folder);
  for (const [path, bytes] of template) {
    const file = join(folder, path);
    if (!found.get(path)?.equals(bytes)) {
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, bytes);
    }
    utimesSync(file, TWO_DAYS_AGO() / 1000, TWO_DAYS_AGO() / 1000);
  }
}

function folderPlace(t: TestContext): Place {
  const folder = join(temporaryFolder(t), 'mirror');
  const templates = new Map<string, ReadonlyMap<string, Uint8Array>>();
  return {
    store: openObjectStore(folder),
    reset: (template) => {
      const files = templates.get(template) ?? filesOf(template);
      templates.set(template, files);
      restore(folder, files);
    },
    content: () => filesOf(folder),
  };
}

async function bucketPlace(t: TestContext): Promise<Place> {
  const fake = await FakeS3.start({ pageSize: 1000 });
  const store = openObjectStore('s3://bucket', { environment: fake.environment, retry: recordingRetry(2) });
  t.after(async () => {
    await store.close?.();
    await fake.close();
  });
  return {
    store,
    reset: (template) => {
      fake.objects.clear();
      fake.log.length = 0;
      fake.writes = TWO_DAYS_AGO;
      for (const [path, bytes] of filesOf(template)) fake.put(path, Buffer.from(bytes));
      fake.writes = () => Date.now();
    },
    content: () => new Map([...fake.objects].map(([path, { bytes }]) => [path, bytes])),
  };
}

const PLACES = { folder: folderPlace, bucket: bucketPlace } as const;

const [KEPT, AGAIN] = pushables(2) as [Pushed, Pushed];
type Pushed = ReturnType<typeof pushables>[number];

const digestsIn = (bytes: Uint8Array) =>
  Buffer.from(bytes)
    .toString('latin1')
    .match(/\b[0-9a-f]{64}\b/g) ?? [];
const blobOf = (digest: string) => `blobs/sha256/${digest.slice(0, 2)}/${digest}`;
const isManifestOf = (path: string, { spec }: Pushed) =>
  path.endsWith(`-${spec.root.hash}.spec.manifest.json`);

/** What the mirror was like when the push began: one package that stays, and the rest of another, whose content will be pushed again. */
const BEFORE: Readonly<Record<string, (folder: string, manifest: string) => void>> = {
  'its blobs without a manifest': (folder, manifest) => rmSync(join(folder, manifest)),
  'only its tarball': (folder, manifest) => {
    rmSync(join(folder, blobOf(digestsIn(readFileSync(join(folder, manifest)))[1] ?? '')));
    rmSync(join(folder, manifest));
  },
  'only its spec blob': (folder, manifest) => {
    rmSync(join(folder, blobOf(digestsIn(readFileSync(join(folder, manifest)))[0] ?? '')));
    rmSync(join(folder, manifest));
  },
  'its manifest and spec blob': (folder, manifest) =>
    rmSync(join(folder, blobOf(digestsIn(readFileSync(join(folder, manifest)))[0] ?? ''))),
  'all of it': () => {},
};

async function templateOf(t: TestContext, what: string): Promise<string> {
  const folder = join(temporaryFolder(t), 'template');
  mkdirSync(folder);
  for (const each of [KEPT, AGAIN]) await pushInto(folder, each);
  const manifest = [...filesOf(folder).keys()].find((path) => isManifestOf(path, AGAIN)) ?? '';
  BEFORE[what]?.(folder, manifest);
  assert.ok(existsSync(folder));
  return folder;
}

const cacheOver = (store: ObjectStore, gate: Gate) => new ManifestCache({ store: steppedStore(store, gate) });

/** How a push looks for the blobs of what it has pushed. */
const LOOKS = {
  'for each package': (publisher: Publisher, sign?: SignText) => pushThrough(publisher, AGAIN, { sign }),
  'at its end': (publisher: Publisher, sign?: SignText) => pushSettled(publisher, AGAIN, sign),
} as const;
type Looks = keyof typeof LOOKS;

function startPush(store: ObjectStore, looks: Looks, sign?: SignText): SteppedRun {
  return new SteppedRun((gate) => LOOKS[looks](requirePublisher(cacheOver(store, gate)), sign));
}

function startPrune(store: ObjectStore): SteppedRun {
  return new SteppedRun((gate) => {
    const mirror = { cache: cacheOver(store, gate), requiresSignature: false };
    return pruneMirror({ mirror, age: DAY, dryRun: false, jobs: 1 });
  });
}

/** Both packages are there, and every blob that their manifests name is whole. */
function checkComplete(place: Place, order: string): void {
  const content = place.content();
  const manifests = [...content].filter(([path]) => path.endsWith('.manifest.json'));
  for (const each of [KEPT, AGAIN])
    assert.ok(
      manifests.some(([path]) => isManifestOf(path, each)),
      `${order}: ${each.spec.root.name} is lost`,
    );
  for (const [path, bytes] of manifests)
    for (const digest of digestsIn(bytes)) {
      const blob = content.get(blobOf(digest));
      assert.ok(blob !== undefined, `${order}: ${path} names ${digest}, which is gone`);
      assert.equal(createHash('sha256').update(blob).digest('hex'), digest, order);
    }
}

/** The first does some steps, then the second, then each all the rest, for every number of steps of both. */
async function everyOrder(
  start: () => readonly [SteppedRun, SteppedRun],
  check: (order: string) => void,
): Promise<number> {
  let orders = 0;
  for (let before = 0, isPast = false; !isPast; before++)
    for (let between = 0; ; between++) {
      const [first, second] = start();
      isPast = (await first.steps(before)) < before;
      const hasMore = (await second.steps(between)) === between;
      await first.finish();
      await second.finish();
      check(`${before} and ${between} steps`);
      orders++;
      if (!hasMore || isPast) break;
    }
  return orders;
}

for (const looks of Object.keys(LOOKS) as Looks[])
  describe(`a push that looks ${looks} beside a prune`, () => {
    for (const [where, open] of Object.entries(PLACES))
      for (const what of Object.keys(BEFORE))
        for (const isSigned of [false, true]) {
          const isWrittenAnew = what === 'its manifest and spec blob';
          if (isSigned !== (what === 'only its tarball' || isWrittenAnew)) continue;
          // Requests are slow.
          if (where === 'bucket' && what !== 'its blobs without a manifest' && !isWrittenAnew) continue;
          const title = `completes its package in a ${where} that has ${what}`;
          test(`${title}, ${isSigned ? 'signed' : 'unsigned'}, in every order of their steps`, async (t) => {
            const place = await open(t);
            const template = await templateOf(t, what);
            // Where tags are made of content, the same text again is no change: there a signature makes the difference.
            const key = isSigned ? await makeKey() : undefined;
            const sign = key && ((text: Uint8Array) => clearsign(Buffer.from(text).toString('utf8'), key));
            const start = () => {
              place.reset(template);
              return { push: startPush(place.store, looks, sign), prune: startPrune(place.store) };
            };
            const check = (order: string) => checkComplete(place, order);
            const pushFirst = await everyOrder(
              () => {
                const { push, prune } = start();
                return [push, prune];
              },
              (order) => check(`push first: ${order}`),
            );
            const pruneFirst = await everyOrder(
              () => {
                const { push, prune } = start();
                return [prune, push];
              },
              (order) => check(`prune first: ${order}`),
            );
            assert.ok(pushFirst > 50 && pruneFirst > 50, `${pushFirst}, ${pruneFirst}`);
          });
        }

    test('sends again what it has sent, where a prune takes it for the old blob of that name', async (t) => {
      const place = folderPlace(t);
      const template = await templateOf(t, 'its blobs without a manifest');
      let orders = 0;
      for (let listed = 0, isPast = false; !isPast; listed++)
        for (let sent = 0; ; sent++) {
          place.reset(template);
          const slow = startPrune(place.store);
          isPast = (await slow.steps(listed)) < listed;
          await startPrune(place.store).finish();
          const push = startPush(place.store, looks);
          const hasMore = (await push.steps(sent)) === sent;
          await slow.finish();
          await push.finish();
          checkComplete(place, `${listed} steps of the first prune, ${sent} of the push`);
          orders++;
          if (!hasMore || isPast) break;
        }
      assert.ok(orders > 50, `${orders}`);
    });

    for (const [where, open] of Object.entries(PLACES))
      test(`and another prune loses nothing in a ${where}`, async (t) => {
        const place = await open(t);
        for (const what of Object.keys(BEFORE)) {
          const template = await templateOf(t, what);
          for (let seed = 1; seed <= ROUNDS; seed++) {
            const random = new SeededRandom(seed);
            place.reset(template);
            const { store } = place;
            const runs = [startPush(store, looks), startPrune(store), startPrune(store)];
            for (let left = [...runs]; left.length > 0; ) {
              const run = random.pick(left);
              const count = random.between(1, 4);
              if ((await run.steps(count)) < count) left = left.filter((each) => each !== run);
            }
            for (const run of runs) await run.finish();
            checkComplete(place, `${what}, seed ${seed}`);
          }
        }
      });
  });

test('an index and keys whose content is there without a name are written beside a prune, in every order of their steps', async (t) => {
  const place = folderPlace(t);
  const template = await templateOf(t, 'all of it');
  const key = { fingerprint: 'A'.repeat(40), armored: Buffer.from('a key') };
  const write = async (cache: ManifestCache) => {
    await requirePublisher(cache).keys.write(key);
    await indexMirror({ mirror: { cache, requiresSignature: false } });
  };
  await write(new ManifestCache({ store: openObjectStore(template) }));
  for (const kind of ['index', 'key']) rmSync(join(template, 'v3/manifests', kind), { recursive: true });
  const start = () => {
    place.reset(template);
    return {
      writing: new SteppedRun((gate) => write(cacheOver(place.store, gate))),
      prune: startPrune(place.store),
    };
  };
  const check = (order: string) => {
    checkComplete(place, order);
    assert.equal([...place.content().keys()].filter((path) => /\/(key|index)\//.test(path)).length, 2, order);
  };
  await everyOrder(() => {
    const { writing, prune } = start();
    return [writing, prune];
  }, check);
  await everyOrder(() => {
    const { writing, prune } = start();
    return [prune, writing];
  }, check);
});

test('pruneMirror removes more large blobs from a bucket than there are connections', async (t) => {
  const fake = await FakeS3.start({ pageSize: 1000 });
  const store = openObjectStore('s3://bucket', { environment: fake.environment, retry: recordingRetry(2) });
  t.after(async () => {
    await store.close?.();
    await fake.close();
  });
  // None of them is read whole before it is removed.
  const bytes = Buffer.alloc(16 << 20);
  for (let i = 0; i < 40; i++) {
    const path = blobOf(i.toString(16).padStart(64, '0'));
    fake.objects.set(path, { bytes, tag: `"${i}"`, meta: {}, modified: TWO_DAYS_AGO() });
  }
  const mirror = { cache: new ManifestCache({ store }), requiresSignature: false };
  const { removed } = await pruneMirror({ mirror, age: DAY, dryRun: false });
  assert.equal(removed.length, 40);
  assert.deepEqual(
    [...fake.objects.keys()].map((key) => key.replace(/[0-9a-f]{16}/, '*')),
    ['regraft/removals/*.ended'],
  );
  const removals = fake.log.filter((line) => /^(DELETE|POST) (?!regraft)/.test(line));
  assert.deepEqual(removals, ['POST  delete=', 'POST  delete='], 'many at a time');
});

test('pruneMirror gives up uploads that were begun long ago, and tells of them in a dry run', async (t) => {
  const fake = await FakeS3.start({ pageSize: 2 });
  const store = openObjectStore('s3://bucket/m', { environment: fake.environment, retry: recordingRetry(2) });
  t.after(async () => {
    await store.close?.();
    await fake.close();
  });
  const parts = new Map([[1, Buffer.alloc(100)]]);
  const begin = (id: string, key: string, begun: number) =>
    fake.uploads.set(id, { key, meta: {}, parts, begun });
  begin('old', `m/${blobOf('a'.repeat(64))}`, TWO_DAYS_AGO());
  begin('old manifest', 'm/v3/manifests/index/index.manifest.json', TWO_DAYS_AGO());
  begin('young', `m/${blobOf('b'.repeat(64))}`, Date.now());
  begin('of others', 'm/other/file', TWO_DAYS_AGO());
  begin('elsewhere', `mm/${blobOf('a'.repeat(64))}`, TWO_DAYS_AGO());
  const mirror = { cache: new ManifestCache({ store }), requiresSignature: false };
  const dry = await pruneMirror({ mirror, age: DAY, dryRun: true });
  assert.equal(fake.uploads.size, 5);
  const { removed, bytes } = await pruneMirror({ mirror, age: DAY, dryRun: false });
  assert.deepEqual(removed, dry.removed);
  assert.deepEqual(
    removed.map(({ reason, location }) => [reason, location]),
    [blobOf('a'.repeat(64)), 'v3/manifests/index/index.manifest.json'].map((path) => [
      'unfinished',
      `s3://bucket/m/${path}`,
    ]),
  );
  assert.equal(bytes, 200);
  assert.deepEqual([...fake.uploads.keys()], ['young', 'of others', 'elsewhere']);
});
