import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import { BuildcacheError, type ErrorCode } from '../../../src/core/errors.js';
import { openMirror } from '../../../src/mirror/open-mirror.js';
import { type PushRequest, push } from '../../../src/operations/publish/push.js';
import { selectEngine } from '../../../src/relocation/engines/select.js';
import { FakeRegistry, type FakeRepository } from '../../helpers/fake-registry.js';
import { makeSmallStore, type SmallStore } from '../../helpers/small-store.js';
import { hashOf } from '../../store/spec-builder.js';

const GRAPH = {
  app: { dependencies: ['lib'], files: { 'bin/app': 'run', x: 'text of app' } },
  lib: { files: { 'lib/pkgconfig/lib.pc': 'x' } },
};
const tagOf = (name: string) => `${name}-1.0-${hashOf(name)}.spack`;

interface Named {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}
interface Image {
  readonly mediaType: string;
  readonly config: Named;
  readonly layers: readonly Named[];
}
interface Config {
  readonly config: { readonly Env: readonly string[]; readonly Cmd?: readonly string[] };
  readonly rootfs: { readonly diff_ids: readonly string[] };
}

async function registryFor(t: TestContext): Promise<FakeRegistry> {
  const fake = await FakeRegistry.start({ pageSize: 10 });
  t.after(() => fake.close());
  return fake;
}

interface Pushing extends Partial<PushRequest> {
  readonly names?: readonly string[];
  readonly to: string;
  readonly baseImage?: string;
}

async function pushTo(
  t: TestContext,
  store: SmallStore,
  { names = ['app'], to, baseImage, ...request }: Pushing,
) {
  const mirror = await openMirror(to, { layout: 2, environment: {}, baseImage });
  t.after(() => mirror.cache.close?.());
  const specs = names.map((name) => store.spec(name));
  const engine = selectEngine('js', {});
  return push({ specs, store: store.open(), mirror, engine, parallelism: 2, ...request });
}

function imageOf({ tags, manifests, blobs }: FakeRepository, tag: string) {
  const bytes = manifests.get(tags.get(tag) ?? '')?.bytes;
  assert.ok(bytes, `${tag} is there`);
  const manifest = JSON.parse(bytes.toString('utf8')) as Image;
  const config = JSON.parse(blobs.get(manifest.config.digest)?.toString('utf8') ?? '') as Config;
  return { manifest, config };
}

function put({ blobs }: FakeRepository, mediaType: string, bytes: Buffer): Named {
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  blobs.set(digest, bytes);
  return { mediaType, digest, size: bytes.length };
}

/** An image for two platforms, of Docker's types. */
function layBase(repository: FakeRepository): { readonly layers: ReadonlyMap<string, Named> } {
  const docker = 'application/vnd.docker.distribution.manifest';
  const layers = new Map<string, Named>();
  const images = ['arm64', 'amd64'].map((architecture) => {
    const tar = Buffer.from(`the files of ${architecture}`);
    const layer = put(repository, 'application/vnd.docker.image.rootfs.diff.tar.gzip', gzipSync(tar));
    layers.set(architecture, layer);
    const diffId = `sha256:${createHash('sha256').update(tar).digest('hex')}`;
    const config = {
      architecture,
      os: 'linux',
      config: { Env: ['PATH=/usr/bin', 'LANG=C.UTF-8'], Cmd: ['sh'] },
      rootfs: { type: 'layers', diff_ids: [diffId] },
    };
    const named = put(
      repository,
      'application/vnd.docker.container.image.v1+json',
      Buffer.from(JSON.stringify(config)),
    );
    const manifest = { schemaVersion: 2, mediaType: `${docker}.v2+json`, config: named, layers: [layer] };
    return { ...tagged(repository, undefined, manifest), platform: { architecture, os: 'linux' } };
  });
  tagged(repository, '1', { schemaVersion: 2, mediaType: `${docker}.list.v2+json`, manifests: images });
  return { layers };
}

function tagged(
  repository: FakeRepository,
  tag: string | undefined,
  manifest: Readonly<Record<string, unknown>> & { readonly mediaType: string },
): Named {
  const bytes = Buffer.from(JSON.stringify(manifest));
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  repository.manifests.set(digest, { bytes, mediaType: manifest.mediaType });
  if (tag !== undefined) repository.tags.set(tag, digest);
  return { mediaType: manifest.mediaType, digest, size: bytes.length };
}

const failedWith = (code: ErrorCode) => (error: unknown) =>
  error instanceof BuildcacheError && error.code === code;

test('OciPublisher writes manifests after all blobs that they name, those of dependencies first', async (t) => {
  const fake = await registryFor(t);
  const store = makeSmallStore(t, GRAPH);
  const report = await pushTo(t, store, { to: fake.url('some/cache') });
  assert.ok(report.packages.every(({ outcome }) => outcome === 'pushed'));
  const puts = fake.log.filter((line) => line.startsWith('PUT') && line.includes('/manifests/'));
  assert.deepEqual(
    puts.map((line) => /manifests\/(\w+)-/.exec(line)?.[1]),
    ['lib', 'app'],
  );
  const { manifest, config } = imageOf(fake.repository('some/cache'), tagOf('app'));
  const { blobs } = fake.repository('some/cache');
  const digests = manifest.layers.map(({ digest }) => gunzipSync(blobs.get(digest) ?? ''));
  assert.deepEqual(
    config.rootfs.diff_ids,
    digests.map((tar) => `sha256:${createHash('sha256').update(tar).digest('hex')}`),
  );
  const [app, lib] = [store.prefixOf('app'), store.prefixOf('lib')];
  assert.deepEqual(config.config.Env, [
    `PATH=${app}/bin:${app}/bin:/bin:/usr/bin`,
    `CMAKE_PREFIX_PATH=${app}:${lib}`,
    `PKG_CONFIG_PATH=${lib}/lib/pkgconfig`,
  ]);
});

test('OciPublisher takes layers of dependencies from the images that the registry has', async (t) => {
  const fake = await registryFor(t);
  const store = makeSmallStore(t, GRAPH);
  const to = fake.url('some/cache');
  await pushTo(t, store, { to, names: ['lib'] });
  const { manifest: lib } = imageOf(fake.repository('some/cache'), tagOf('lib'));
  const again = await pushTo(t, store, { to, only: 'package' });
  assert.deepEqual(
    again.packages.map(({ name, outcome }) => [name, outcome]),
    [['app', 'pushed']],
  );
  const { manifest } = imageOf(fake.repository('some/cache'), tagOf('app'));
  assert.deepEqual(manifest.layers[0], lib.layers[0]);
  assert.equal(manifest.layers.length, 2);
});

test('OciPublisher refuses an image of what the registry does not have, and leaves nothing but blobs', async (t) => {
  const fake = await registryFor(t);
  const store = makeSmallStore(t, GRAPH);
  const report = await pushTo(t, store, { to: fake.url('some/cache'), only: 'package' });
  assert.equal(report.packages[0]?.error?.code, 'dependency-missing');
  assert.equal(fake.repository('some/cache').tags.size, 0);
  assert.equal(fake.repository('some/cache').manifests.size, 0);
});

test('OciPublisher makes images upon a base image of their platform', async (t) => {
  const fake = await registryFor(t);
  const elsewhere = await registryFor(t);
  const store = makeSmallStore(t, GRAPH);
  for (const [number, from] of [fake, elsewhere].entries()) {
    const { layers } = layBase(from.repository('base/image'));
    const to = fake.url(`some/cache${number}`);
    await pushTo(t, store, { to, baseImage: `oci+http://${from.host}/base/image:1` });
    const repository = fake.repository(`some/cache${number}`);
    const { manifest, config } = imageOf(repository, tagOf('lib'));
    assert.deepEqual(manifest.layers[0], layers.get('amd64'));
    assert.ok(repository.blobs.has(manifest.layers[0]?.digest ?? ''));
    assert.equal(manifest.layers[1]?.mediaType, 'application/vnd.docker.image.rootfs.diff.tar.gzip');
    assert.equal(manifest.mediaType, 'application/vnd.docker.distribution.manifest.v2+json');
    assert.deepEqual(config.config.Cmd, ['sh']);
    assert.deepEqual(config.config.Env.slice(0, 2), ['PATH=/usr/bin', 'LANG=C.UTF-8']);
    assert.equal(config.rootfs.diff_ids.length, 2);
  }
  // The neighbour's layer was mounted, the other one was sent.
  assert.ok(fake.log.some((line) => line.includes('mount=') && line.endsWith(' 201')));
});

test('OciPublisher refuses base images that are not there, or not for the platform', async (t) => {
  const fake = await registryFor(t);
  const store = makeSmallStore(t, GRAPH);
  const repository = fake.repository('base/image');
  tagged(repository, 'none', { mediaType: 'application/vnd.oci.image.index.v1+json', manifests: [] });
  for (const tag of ['missing', 'none']) {
    const baseImage = `oci+http://${fake.host}/base/image:${tag}`;
    const report = await pushTo(t, store, { to: fake.url('some/cache'), names: ['lib'], baseImage });
    assert.equal(report.packages[0]?.error?.code, 'mirror-not-found', tag);
  }
  const folder = join(store.folder, 'mirror');
  await assert.rejects(openMirror(folder, { baseImage: 'x' }), failedWith('usage'));
});

test('OciPublisher publishes an image of several packages under a name of its own', async (t) => {
  const fake = await registryFor(t);
  const store = makeSmallStore(t, {
    ...GRAPH,
    app: { ...GRAPH.app, dependencies: ['lib', 'tool'] },
    tool: { files: { 'bin/tool': 'x' } },
  });
  const to = fake.url('some/cache');
  const report = await pushTo(t, store, { to, names: ['tool', 'app'], imageTag: 'tools' });
  assert.equal(report.image?.location, `${to}:tools`);
  const { manifest, config } = imageOf(fake.repository('some/cache'), 'tools');
  assert.equal(manifest.layers.length, 3);
  assert.ok(!('spec' in config) && !('annotations' in manifest));
  const other = fake.url('some/other');
  for (const imageTag of ['x.spack', 'not a tag', 'regraft-keys'])
    await assert.rejects(pushTo(t, store, { to: other, imageTag }), failedWith('usage'), imageTag);
  assert.equal(fake.repository('some/other').blobs.size, 0, 'before anything is pushed');
  const folder = join(store.folder, 'mirror');
  await assert.rejects(pushTo(t, store, { to: folder, imageTag: 'tools' }), failedWith('usage'));
});
