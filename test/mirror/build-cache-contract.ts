// What every kind of build cache must do, whatever its layout: each kind runs through these cases in its own test.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import type { PrivateKey } from 'openpgp';
import { BuildcacheError, type ErrorCode, MirrorError } from '../../src/core/errors.js';
import type {
  BuildCache,
  IndexPlace,
  MetadataKind,
  OpenedIndex,
  PackageDescription,
  Publication,
  Publisher,
} from '../../src/mirror/build-cache.js';
import { NO_TRUST, trustKeyring } from '../../src/operations/keys/trust.js';
import { Keyring } from '../../src/signature/keys/keyring.js';
import { parseSpecDictionary } from '../../src/spec/json/spec-json.js';
import type { Spec } from '../../src/spec/spec.js';
import type { ObjectStore } from '../../src/transport/object-store.js';
import { openObjectStore } from '../../src/transport/open-store.js';
import { buildCache, type CacheOptions, type PackageSketch } from '../helpers/cache-builder.js';
import { type PackedPackage, packPackages, sha256 } from '../helpers/packed-package.js';
import { clearsign, keyringOf, makeKey } from '../signature/temporary-keys.js';
import { temporaryFolder } from '../store/temporary-folder.js';

export interface BuildCacheKind {
  /** How caches of the kind are built. */
  readonly options: CacheOptions;
  /** Opens the cache in a folder, always the same for the same folder. */
  openFolder(folder: string): BuildCache | Promise<BuildCache>;
  /** As `openFolder`; the n-th step of writing that has the name fails with `mirror-full`. */
  openFailing(folder: string, step: WritingStep, when: number): Promise<FailingCache>;
  /** How metadata is refused whose checksum cannot be used: `checksum-missing` unless given. */
  readonly unusableChecksum?: ErrorCode;
  /** Whether the place can be listed; true unless given. */
  readonly canList?: boolean;
}

export type WritingStep = 'write' | 'prepare' | 'commit';

export interface FailingCache {
  readonly cache: BuildCache;
  hasFailed(): boolean;
}

export interface StoreKind {
  /** Opens a cache of the kind over a store. */
  open(store: ObjectStore): BuildCache;
  /** Opens what is in a folder, always the same for the same folder; the folder itself by default. */
  openStore?(folder: string): ObjectStore | Promise<ObjectStore>;
}

/** How caches are opened that lie in object stores. */
export function inStores({
  open,
  openStore = openObjectStore,
}: StoreKind): Pick<BuildCacheKind, 'openFolder' | 'openFailing'> {
  return {
    openFolder: async (folder) => open(await openStore(folder)),
    openFailing: async (folder, step, when) => {
      const { store, hasFailed } = await failingStore(await openStore(folder), step, when);
      return { cache: open(store), hasFailed };
    },
  };
}

const SKETCHES: readonly PackageSketch[] = [{ name: 'base' }, { name: 'top', dependencies: ['base'] }];

/** The packages of a built cache, before they got there. */
function packed(): readonly PackedPackage[] {
  return packPackages(SKETCHES, { withParents: false });
}

function specOf(name: string): Spec {
  const found = packed().find(({ sketch }) => sketch.name === name);
  assert.ok(found);
  return parseSpecDictionary(found.spec, name);
}

function expectCode(code: ErrorCode) {
  return (error: unknown) => error instanceof BuildcacheError && error.code === code;
}

async function bytesOf(body: ReadableStream<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Runs all cases for one kind. */
export function testBuildCache(name: string, kind: BuildCacheKind): void {
  const { options, openFolder, openFailing, unusableChecksum = 'checksum-missing', canList = true } = kind;
  const isNotListed = expectCode('mirror-http-status');

  async function built(t: TestContext, sketches = SKETCHES, more: CacheOptions = {}) {
    const folder = temporaryFolder(t);
    const cache = await buildCache(folder, sketches, { ...options, ...more });
    return { folder, built: cache, cache: await openFolder(folder) };
  }

  async function found(
    cache: BuildCache,
    kind: MetadataKind,
    trust = NO_TRUST,
    name = 'top',
  ): Promise<PackageDescription> {
    const answer = await cache.describe(specOf(name), kind, { trust });
    assert.ok(!('absence' in answer));
    return answer;
  }

  async function checkAbsent(cache: BuildCache, spec: Spec, kind: MetadataKind): Promise<void> {
    const answer = await cache.describe(spec, kind, { trust: NO_TRUST });
    assert.ok('absence' in answer && answer.absence.code === 'mirror-not-found', kind);
  }

  describe(`${name}: describe`, () => {
    test('tells of an unsigned package, and opens its tarball anew each time', async (t) => {
      const { cache, built: made } = await built(t);
      const description = await found(cache, 'unsigned');
      assert.equal(description.specfile.spec.root.hash, made.get('top').hash);
      assert.equal(description.signature, 'not-required');
      assert.equal(description.tarball.sha256, made.get('top').digest);
      for (let time = 0; time < 2; time++)
        assert.equal(sha256(await bytesOf((await description.tarball.open()).body)), made.get('top').digest);
      await checkAbsent(cache, specOf('top'), 'signed');
    });

    test('tells of a signed package: verified, or taken out of its frame', async (t) => {
      const key = await makeKey();
      const { cache } = await built(t, SKETCHES, { key });
      const trust = trustKeyring(await keyringOf(key));
      assert.equal((await found(cache, 'signed', trust)).signature, 'verified');
      assert.equal((await found(cache, 'signed')).signature, 'not-required');
      await checkAbsent(cache, specOf('top'), 'unsigned');
      const stranger = trustKeyring(await keyringOf(await makeKey()));
      await assert.rejects(found(cache, 'signed', stranger), expectCode('signature-unknown-key'));
    });

    test('refuses an unsigned package where a signature is required', async (t) => {
      const { cache } = await built(t);
      const trust = trustKeyring(await Keyring.load({}));
      await assert.rejects(found(cache, 'unsigned', trust), expectCode('signature-missing'));
    });

    test('says of a package that it does not have where it looked', async (t) => {
      const { cache } = await built(t, [{ name: 'base' }]);
      for (const kind of ['signed', 'unsigned'] as const) await checkAbsent(cache, specOf('top'), kind);
      assert.equal(await cache.has(specOf('top')), false);
      assert.equal(await cache.has(specOf('base')), true);
    });

    test('refuses metadata of another package, with a good signature too', async (t) => {
      const other = JSON.parse(JSON.stringify(packed()[0]?.spec)) as object;
      const spoilMetadata = (metadata: object) => ({ ...metadata, ...other });
      const sketches = [{ name: 'base' }, { name: 'top', dependencies: ['base'], spoilMetadata }];
      const { cache } = await built(t, sketches);
      await assert.rejects(found(cache, 'unsigned'), expectCode('wrong-package'));
      const key = await makeKey();
      const signed = await built(t, sketches, { key });
      const trust = trustKeyring(await keyringOf(key));
      await assert.rejects(found(signed.cache, 'signed', trust), expectCode('signature-wrong-spec'));
    });

    test('lists the files of a package, the tarball first, with their digests where they are known', async (t) => {
      const { cache, built: made } = await built(t);
      const [tarball, ...others] = (await found(cache, 'unsigned')).files;
      assert.ok(tarball !== undefined && others.length > 0);
      assert.equal(tarball.sha256, made.get('top').digest);
      for (const file of [tarball, ...others]) {
        const bytes = await bytesOf((await file.open()).body);
        assert.ok(bytes.length > 0 && !file.path.startsWith('/'), file.path);
        if (file.sha256 !== undefined) assert.equal(sha256(bytes), file.sha256);
      }
    });

    test('a checksum that cannot be used is refused, at the latest when it is asked for', async (t) => {
      const spoilMetadata = (metadata: object) => ({ ...metadata, binary_cache_checksum: null });
      const { cache } = await built(t, [
        { name: 'base' },
        { name: 'top', dependencies: ['base'], spoilMetadata },
      ]);
      const refused = expectCode(unusableChecksum);
      await assert.rejects(async () => (await found(cache, 'unsigned')).tarball.sha256, refused);
      await assert.rejects(async () => (await found(cache, 'unsigned')).files[0]?.sha256, refused);
    });
  });

  describe(`${name}: indexes`, () => {
    const read = async (index: OpenedIndex | 'not-modified' | undefined) => {
      assert.ok(typeof index === 'object');
      return { bytes: await bytesOf(index.body), tag: index.tag, sha256: index.sha256 };
    };

    test('opens the index, and knows whether it is still the same', async (t) => {
      const { cache } = await built(t);
      const { bytes, tag, sha256: expected } = await read(await indexOf(cache).open(undefined));
      assert.ok(bytes.includes('"installs"'));
      const known = { sha256: sha256(bytes), tag };
      if (expected !== undefined) assert.equal(expected, known.sha256);
      assert.equal(await indexOf(cache).open(known), 'not-modified');
      const stale = await read(await indexOf(cache).open({ sha256: sha256('another'), tag: undefined }));
      assert.deepEqual(stale.bytes, bytes);
    });

    test('a cache without an index has none', async (t) => {
      const { cache } = await built(t, SKETCHES, { index: false });
      assert.equal(await indexOf(cache).open(undefined), undefined);
      assert.equal(await indexOf(cache).open({ sha256: sha256(''), tag: undefined }), undefined);
    });

    test('writes an index that it opens afterwards', async (t) => {
      const { cache } = await built(t, SKETCHES, { index: false });
      const parts = ['{"database":', '{"version":"7","installs":{}}}'].map((text) => Buffer.from(text));
      const bytes = Buffer.concat(parts);
      const index = { packages: 1, chunks: () => parts, size: bytes.length, sha256: sha256(bytes) };
      await publisherOf(cache).writeIndex(index);
      assert.deepEqual((await read(await indexOf(cache).open(undefined))).bytes, bytes);
      assert.equal(await indexOf(cache).open({ sha256: index.sha256, tag: undefined }), 'not-modified');
    });
  });

  describe(`${name}: packages`, () => {
    test('are found by the beginning of their hash, without the index', async (t) => {
      const { cache } = await built(t, SKETCHES, { index: false });
      const list = async (hashPrefix?: string) => {
        const hashes: string[] = [];
        for await (const listed of cache.packages?.({ hashPrefix }) ?? []) {
          const { root } = await listed.read({ trust: NO_TRUST });
          assert.equal(root.hash, listed.hash);
          hashes.push(listed.hash);
        }
        return hashes.sort();
      };
      if (!canList) return assert.rejects(list(), isNotListed);
      const [base, top] = [specOf('base').root.hash, specOf('top').root.hash];
      assert.deepEqual(await list(), [base, top].sort());
      assert.deepEqual(await list(top.slice(0, 9)), [top]);
      assert.deepEqual(await list('7777777'), []);
    });

    test('have a size hint, or none, without a failure', async (t) => {
      const { cache, folder, built: made } = await built(t, [{ name: 'base' }]);
      const size = readFileSync(join(folder, made.get('base').tarball)).length;
      assert.ok([size, undefined].includes(cache.sizeHint?.(specOf('base'))));
      assert.equal(cache.sizeHint?.(specOf('top')), undefined);
    });
  });

  describe(`${name}: keys`, () => {
    test('are listed by the index of keys, and read', async (t) => {
      const { cache } = await built(t);
      assert.deepEqual(await cache.keys.list(), []);
      const { keys } = publisherOf(cache);
      const fingerprint = 'AB'.repeat(20);
      await keys.write({ fingerprint, armored: Buffer.from('a key') });
      assert.deepEqual(await cache.keys.list(), [], 'the index does not name it yet');
      const list = async () => {
        const files: string[] = [];
        for await (const file of keys.files?.() ?? []) files.push(file.fingerprint);
        assert.deepEqual(files, [fingerprint]);
      };
      await (canList ? list() : assert.rejects(list(), isNotListed));
      await keys.writeIndex([fingerprint]);
      const [key] = await cache.keys.list();
      assert.equal(key?.fingerprint, fingerprint);
      assert.deepEqual(Buffer.from((await key?.read()) ?? []), Buffer.from('a key'));
    });
  });

  describe(`${name}: publish`, () => {
    /** It needs nothing that would have to be there. */
    const spec = () => specOf('base');
    const base = () => {
      const found = packed().find(({ sketch }) => sketch.name === 'base');
      assert.ok(found?.tarball);
      const specJson = { bytes: Buffer.from(JSON.stringify(found.spec)), path: 'spec.json' };
      const image = { tarSha256: sha256(gunzipSync(found.tarball)), inspect: () => undefined };
      return { tarball: found.tarball, specJson, sha256: found.digest, size: found.tarball.length, image };
    };

    async function begun(cache: BuildCache): Promise<Publication> {
      const publication = await publisherOf(cache).begin(spec());
      await publication.write(base().tarball.subarray(0, 100));
      await publication.write(base().tarball.subarray(100));
      return publication;
    }

    const signWith = (key: PrivateKey) => async (text: Uint8Array) =>
      clearsign(Buffer.from(text).toString('utf8'), key);

    async function checkNothing(cache: BuildCache): Promise<void> {
      for (const kind of ['signed', 'unsigned'] as const) await checkAbsent(cache, spec(), kind);
      assert.equal(await publisherOf(cache).has(spec()), false);
      if (!canList) return;
      for await (const listed of cache.packages?.() ?? []) assert.fail(`${listed.location} is there`);
    }

    test('makes a package visible when it is finished, and not before', async (t) => {
      const cache = await openFolder(temporaryFolder(t));
      const publication = await begun(cache);
      await checkNothing(cache);
      await publication.finish(base());
      await publication.abandon();
      assert.equal(await publisherOf(cache).has(spec()), true);
      const { tarball, specfile } = await found(cache, 'unsigned', NO_TRUST, 'base');
      assert.equal(tarball.sha256, base().sha256);
      assert.equal(specfile.spec.root.hash, spec().root.hash);
      const bytes = await bytesOf((await tarball.open()).body);
      assert.deepEqual(gunzipSync(bytes), gunzipSync(base().tarball));
    });

    test('signs what it publishes, and removes metadata of the other kind', async (t) => {
      const cache = await openFolder(temporaryFolder(t));
      const key = await makeKey();
      const trust = async () => trustKeyring(await keyringOf(key));
      await (await begun(cache)).finish(base());
      await (await begun(cache)).finish({ ...base(), sign: signWith(key) });
      assert.equal((await found(cache, 'signed', await trust(), 'base')).signature, 'verified');
      await checkAbsent(cache, spec(), 'unsigned');
      await (await begun(cache)).finish(base());
      await checkAbsent(cache, spec(), 'signed');
    });

    test('what is abandoned leaves nothing', async (t) => {
      const cache = await openFolder(temporaryFolder(t));
      const publication = await begun(cache);
      await publication.abandon();
      await publication.abandon();
      await checkNothing(cache);
    });

    test('a signature that fails, or a signal, leaves nothing', async (t) => {
      const cache = await openFolder(temporaryFolder(t));
      const failure = new MirrorError('mirror-full', 'full');
      const sign = () => Promise.reject(failure);
      for (const [given, options] of [
        [{ ...base(), sign }, {}],
        [base(), { signal: AbortSignal.abort(failure) }],
      ] as const) {
        const publication = await begun(cache);
        await assert.rejects(publication.finish(given, options), failure);
        await publication.abandon();
        await checkNothing(cache);
      }
    });

    test('a failure of any step of the store leaves no metadata without its tarball', async (t) => {
      for (const method of ['write', 'prepare', 'commit'] as const) {
        // The steps of all objects are counted through: each fails once.
        for (let when = 1, hasFailed = true; hasFailed; when++) {
          const folder = temporaryFolder(t);
          const failing = await openFailing(folder, method, when);
          await publish(failing.cache);
          hasFailed = failing.hasFailed();
          if (hasFailed) await checkAbsent(await openFolder(folder), spec(), 'unsigned');
        }
      }

      async function publish(cache: BuildCache): Promise<void> {
        let publication: Publication | undefined;
        try {
          publication = await publisherOf(cache).begin(spec());
          await publication.write(base().tarball);
          await publication.finish(base());
        } catch (error) {
          assert.ok(error instanceof MirrorError && error.code === 'mirror-full', String(error));
        } finally {
          await publication?.abandon();
        }
      }
    });
  });
}

function publisherOf({ publisher }: BuildCache): Publisher {
  assert.ok(publisher);
  return publisher;
}

/** A store in which the n-th call of a step of its objects fails. */
async function failingStore(store: ObjectStore, method: WritingStep, when: number) {
  const { writer } = store;
  assert.ok(writer);
  let calls = 0;
  const begin = writer.begin.bind(writer);
  writer.begin = async (options) => {
    const object = await begin(options);
    const original = (object[method] as (...given: unknown[]) => Promise<unknown>).bind(object);
    Reflect.set(object, method, async (...given: unknown[]) => {
      if (++calls === when) throw new MirrorError('mirror-full', 'full');
      return original(...given);
    });
    return object;
  };
  return { store, hasFailed: () => calls >= when };
}

/** The one index of a cache of one layout. */
function indexOf({ indexes }: BuildCache): IndexPlace {
  const [index, ...others] = indexes;
  assert.ok(index !== undefined && others.length === 0);
  return index;
}
