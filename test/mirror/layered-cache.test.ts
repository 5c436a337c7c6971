// Several layouts at one place.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MirrorError } from '../../src/core/errors.js';
import type { BuildCache, DescribeOptions, IndexPlace } from '../../src/mirror/build-cache.js';
import { type Layer, LayeredCache } from '../../src/mirror/layered-cache.js';
import { NO_TRUST } from '../../src/operations/keys/trust.js';
import { node4, spec4 } from '../spec/spec-samples.js';

const spec = spec4(node4('x', 'a'));
const options: DescribeOptions = { trust: NO_TRUST };

interface FakeLayer {
  readonly name: string;
  readonly log: string[];
  readonly isThere?: boolean;
  readonly hasPackage?: boolean;
  readonly hasIndex?: boolean;
  readonly keys?: readonly string[];
}

function fake({
  name,
  log,
  isThere = true,
  hasPackage = true,
  hasIndex = false,
  keys = [],
}: FakeLayer): Layer {
  const index: IndexPlace = {
    key: name,
    location: name,
    open: async () => (hasIndex ? 'not-modified' : undefined),
  };
  const cache = {
    name,
    url: name,
    indexes: [index],
    keys: {
      list: async () =>
        keys.map((fingerprint) => ({ fingerprint, location: name, read: async () => new Uint8Array() })),
    },
    describe: async () => {
      log.push(`describe ${name}`);
      if (!hasPackage) return { absence: new MirrorError('mirror-not-found', `not in ${name}`) };
      return { location: name };
    },
    has: async () => {
      log.push(`has ${name}`);
      return hasPackage;
    },
  } as unknown as BuildCache;
  const look = async () => {
    log.push(`look ${name}`);
    return isThere;
  };
  return { cache, isThere: look };
}

function layered(...layers: readonly Layer[]): LayeredCache {
  return new LayeredCache({ layers, publisher: undefined });
}

async function locationOf(cache: BuildCache): Promise<string | undefined> {
  const found = await cache.describe(spec, 'signed', options);
  return 'absence' in found ? found.absence.message : found.location;
}

test('LayeredCache asks the newest layout first, and another one for what it has not', async () => {
  const log: string[] = [];
  assert.equal(await locationOf(layered(fake({ name: '3', log }), fake({ name: '1', log }))), '3');
  assert.ok(!log.includes('describe 1'));
  const lacking = layered(fake({ name: '3', log, hasPackage: false }), fake({ name: '1', log }));
  assert.equal(await locationOf(lacking), '1');
  assert.equal(await lacking.has(spec), true);
});

test('LayeredCache looks once, and does not ask a layout that is not there', async () => {
  const log: string[] = [];
  const cache = layered(
    fake({ name: '3', log, isThere: false }),
    fake({ name: '1', log, hasPackage: false }),
  );
  for (let i = 0; i < 3; i++) assert.equal(await locationOf(cache), 'not in 1');
  assert.deepEqual(log, ['look 3', 'look 1', 'describe 1', 'describe 1', 'describe 1']);
  assert.deepEqual(await cache.presentLayers(), [cache.layers[1]]);
});

test('LayeredCache does not look for a layout whose index was seen', async () => {
  const log: string[] = [];
  const cache = layered(fake({ name: '3', log, hasIndex: true }), fake({ name: '1', log, isThere: false }));
  for (const index of cache.indexes) await index.open(undefined);
  assert.equal(await locationOf(cache), '3');
  assert.deepEqual(log, ['look 1', 'describe 3']);
});

test('LayeredCache asks all layouts where none is to be seen', async () => {
  const log: string[] = [];
  const absent = { log, isThere: false, hasPackage: false };
  const cache = layered(fake({ name: '3', ...absent }), fake({ name: '1', ...absent }));
  assert.equal(await locationOf(cache), 'not in 1');
  assert.deepEqual(log, ['look 3', 'look 1', 'describe 3', 'describe 1']);
});

test('LayeredCache has the keys of all layouts, each once', async () => {
  const log: string[] = [];
  const cache = layered(
    fake({ name: '3', log, keys: ['AA', 'BB'] }),
    fake({ name: '1', log, keys: ['bb', 'CC'] }),
  );
  const keys = await cache.keys.list();
  assert.deepEqual(
    keys.map(({ fingerprint, location }) => `${fingerprint} ${location}`),
    ['AA 3', 'BB 3', 'CC 1'],
  );
  assert.equal(cache.sizeHint(spec), undefined);
});
