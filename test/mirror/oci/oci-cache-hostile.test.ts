// Registries that serve what is wrong: each is refused by a code, and nothing is read that was not verified.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, type TestContext, test } from 'node:test';
import { BuildcacheError, type ErrorCode } from '../../../src/core/errors.js';
import { OciCache } from '../../../src/mirror/oci/oci-cache.js';
import { NO_TRUST, trustKeyring } from '../../../src/operations/keys/trust.js';
import { parseSpecDictionary } from '../../../src/spec/json/spec-json.js';
import { buildCache, type CacheOptions } from '../../helpers/cache-builder.js';
import type { FakeRepository } from '../../helpers/fake-registry.js';
import { packPackages } from '../../helpers/packed-package.js';
import { RegistryCaches } from '../../helpers/registry-caches.js';
import { keyringOf, makeKey } from '../../signature/temporary-keys.js';
import { temporaryFolder } from '../../store/temporary-folder.js';

let caches: RegistryCaches;
before(async () => {
  caches = await RegistryCaches.start();
});
after(() => caches.close());

const [BASE, OTHER] = packPackages([{ name: 'base' }, { name: 'other' }], { withParents: false });
const SPEC = parseSpecDictionary(BASE?.spec ?? {}, 'base');
const TAG = `base-${SPEC.root.version}-${SPEC.root.hash}.spack`;

interface Named {
  mediaType: string;
  digest: string;
  size: number;
}
type Manifest = Record<string, unknown> & { config: Named; layers: Named[]; subject?: Named };

async function built(t: TestContext, options: CacheOptions = {}) {
  const folder = temporaryFolder(t);
  await buildCache(folder, [{ name: 'base' }, { name: 'other' }], { kind: 'oci', ...options });
  const repository = caches.open(folder);
  return { cache: new OciCache({ repository }), content: caches.content(folder) };
}

function digestOf(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/** Replaces the manifest of a tag. */
function change({ tags, manifests }: FakeRepository, edit: (manifest: Manifest) => unknown): void {
  const found = manifests.get(tags.get(TAG) ?? '');
  assert.ok(found);
  const bytes = Buffer.from(JSON.stringify(edit(JSON.parse(found.bytes.toString('utf8')) as Manifest)));
  tags.set(TAG, digestOf(bytes));
  const { mediaType = found.mediaType } = JSON.parse(bytes.toString('utf8')) as { mediaType?: string };
  manifests.set(digestOf(bytes), { bytes, mediaType });
}

function changeConfig(content: FakeRepository, edit: (config: Record<string, unknown>) => unknown): void {
  change(content, (manifest) => {
    const config = JSON.parse(content.blobs.get(manifest.config.digest)?.toString('utf8') ?? '');
    const bytes = Buffer.from(JSON.stringify(edit(config)));
    content.blobs.set(digestOf(bytes), bytes);
    return { ...manifest, config: { ...manifest.config, digest: digestOf(bytes), size: bytes.length } };
  });
}

const refused = (code: ErrorCode) => (error: unknown) =>
  error instanceof BuildcacheError && error.code === code;

describe('OciCache refuses', () => {
  const cases: readonly (readonly [string, ErrorCode, (content: FakeRepository) => void])[] = [
    [
      'a config that was replaced',
      'checksum-mismatch',
      ({ blobs, manifests, tags }) => {
        const { config } = JSON.parse(
          manifests.get(tags.get(TAG) ?? '')?.bytes.toString('utf8') ?? '',
        ) as Manifest;
        blobs.set(config.digest, Buffer.alloc(config.size, ' '));
      },
    ],
    [
      'a config of another size',
      'size-mismatch',
      (content) =>
        change(content, ({ config, ...rest }) => ({ ...rest, config: { ...config, size: config.size + 1 } })),
    ],
    [
      'a config that is gone',
      'blob-missing',
      (content) =>
        change(content, ({ config, ...rest }) => ({
          ...rest,
          config: { ...config, digest: digestOf(Buffer.from('x')) },
        })),
    ],
    [
      'a config that is too large',
      'metadata-too-large',
      (content) =>
        change(content, ({ config, ...rest }) => ({ ...rest, config: { ...config, size: 2 ** 40 } })),
    ],
    [
      'a config without a spec',
      'metadata-invalid',
      (content) => changeConfig(content, ({ spec: _, ...config }) => config),
    ],
    [
      'a config of a newer layout',
      'layout-unsupported',
      (content) => changeConfig(content, (config) => ({ ...config, buildcache_layout_version: 4 })),
    ],
    [
      'a config without a layout',
      'layout-unsupported',
      (content) => changeConfig(content, ({ buildcache_layout_version: _, ...config }) => config),
    ],
    [
      'a config of another package',
      'wrong-package',
      (content) => changeConfig(content, (config) => ({ ...config, ...OTHER?.spec })),
    ],
    [
      'the tarball of another package',
      'checksum-mismatch',
      (content) =>
        change(content, ({ layers, ...rest }) => ({
          ...rest,
          layers: layers.map((layer) => ({ ...layer, digest: `sha256:${OTHER?.digest}` })),
        })),
    ],
    [
      'a digest of another kind',
      'checksum-invalid',
      (content) =>
        change(content, ({ config, ...rest }) => ({
          ...rest,
          config: { ...config, digest: `sha512:${'a'.repeat(128)}` },
        })),
    ],
    [
      'an image without layers',
      'metadata-invalid',
      (content) => change(content, (manifest) => ({ ...manifest, layers: [] })),
    ],
    [
      'several images',
      'metadata-invalid',
      (content) =>
        change(content, () => ({ mediaType: 'application/vnd.oci.image.index.v1+json', manifests: [] })),
    ],
  ];
  for (const [what, code, spoil] of cases)
    test(`${what}: ${code}`, async (t) => {
      const { cache, content } = await built(t);
      spoil(content);
      await assert.rejects(cache.describe(SPEC, 'unsigned', { trust: NO_TRUST }), refused(code));
    });

  test('takes images of Docker types', async (t) => {
    const { cache, content } = await built(t);
    const mediaType = 'application/vnd.docker.distribution.manifest.v2+json';
    change(content, (manifest) => ({ ...manifest, mediaType }));
    const found = await cache.describe(SPEC, 'unsigned', { trust: NO_TRUST });
    assert.ok('tarball' in found && found.tarball.sha256 === BASE?.digest);
  });

  test('lists what has the tag of a package, and nothing else', async (t) => {
    const { cache, content } = await built(t);
    for (const tag of ['tools', 'latest', 'x.spack', `sha256-${'a'.repeat(64)}`, 'regraft-keys'])
      content.tags.set(tag, content.tags.get(TAG) ?? '');
    const hashes: string[] = [];
    for await (const { hash } of cache.packages()) hashes.push(hash);
    assert.deepEqual(hashes.sort(), [BASE?.hash, OTHER?.hash].sort());
  });
});

describe('signatures in a registry', () => {
  /** The manifest of the signature of the package. */
  function signatureOf({ manifests, tags }: FakeRepository) {
    const subject = tags.get(TAG);
    for (const [digest, { bytes, mediaType }] of manifests) {
      const manifest = JSON.parse(bytes.toString('utf8')) as Manifest;
      if (manifest.subject?.digest === subject) return { digest, manifest, mediaType };
    }
    throw new Error('There is no signature');
  }

  function attach(content: FakeRepository, manifest: object): void {
    const { mediaType } = signatureOf(content);
    const bytes = Buffer.from(JSON.stringify(manifest));
    content.manifests.set(digestOf(bytes), { bytes, mediaType });
  }

  test('are verified before the tarball or the config is asked for', async (t) => {
    const { cache, content } = await built(t, { key: await makeKey() });
    const trust = trustKeyring(await keyringOf(await makeKey()));
    caches.fake.log.length = 0;
    await assert.rejects(cache.describe(SPEC, 'signed', { trust }), refused('signature-unknown-key'));
    const { layers } = signatureOf(content).manifest;
    const read = caches.fake.log.filter((line) => /\/blobs\//.test(line));
    assert.deepEqual(
      read.map((line) => line.split(/[ ?]/)[1]?.split('/').at(-1)),
      [layers[0]?.digest],
    );
    await assert.rejects(
      cache.describe(SPEC, 'unsigned', { trust: NO_TRUST }).then((answer) => {
        if ('absence' in answer) throw answer.absence;
      }),
      refused('mirror-not-found'),
    );
  });

  test('of strangers do not hide one that holds', async (t) => {
    const key = await makeKey();
    const { cache, content } = await built(t, { key });
    const { manifest } = signatureOf(content);
    const text = Buffer.from('-----BEGIN PGP SIGNED MESSAGE-----\nnothing');
    content.blobs.set(digestOf(text), text);
    const layer = { ...manifest.layers[0], digest: digestOf(text), size: text.length };
    const own = [...content.manifests];
    content.manifests.clear();
    attachFirst();
    for (const [digest, stored] of own) content.manifests.set(digest, stored);
    const trust = trustKeyring(await keyringOf(key));
    const found = await cache.describe(SPEC, 'signed', { trust });
    assert.ok('signature' in found && found.signature === 'verified');

    function attachFirst(): void {
      const bytes = Buffer.from(JSON.stringify({ ...manifest, layers: [layer] }));
      content.manifests.set(digestOf(bytes), { bytes, mediaType: String(manifest.mediaType) });
    }
  });

  test('of another package are refused, and of another tarball', async (t) => {
    const key = await makeKey();
    const trust = trustKeyring(await keyringOf(key));
    for (const [name, code] of [
      ['other', 'signature-wrong-spec'],
      ['base', 'checksum-mismatch'],
    ] as const) {
      const { cache, content } = await built(t, { key });
      const { manifest, digest } = signatureOf(content);
      if (name === 'base')
        change(content, ({ layers, ...rest }) => ({
          ...rest,
          layers: layers.map((layer) => ({ ...layer, digest: `sha256:${OTHER?.digest}` })),
        }));
      const layers = name === 'base' ? manifest.layers : layersOfOther(content, digest);
      const subject = { ...manifest.subject, digest: content.tags.get(TAG) };
      if (name === 'other') content.manifests.delete(digest);
      const bytes = Buffer.from(JSON.stringify({ ...manifest, layers, subject }));
      content.manifests.set(digestOf(bytes), { bytes, mediaType: String(manifest.mediaType) });
      await assert.rejects(cache.describe(SPEC, 'signed', { trust }), refused(code));
    }

    function layersOfOther({ manifests }: FakeRepository, own: string): readonly Named[] {
      for (const [digest, { bytes }] of manifests) {
        const manifest = JSON.parse(bytes.toString('utf8')) as Manifest;
        if (digest !== own && manifest.subject !== undefined) return manifest.layers;
      }
      return [];
    }
  });

  test('that are no signatures are refused', async (t) => {
    const { cache, content } = await built(t, { key: await makeKey() });
    const { manifest, digest } = signatureOf(content);
    content.manifests.delete(digest);
    content.manifests.set('', { bytes: Buffer.from(JSON.stringify(manifest)), mediaType: '' });
    const { layers, ...rest } = manifest;
    attach(content, { ...rest, layers: [...layers, ...layers] });
    content.manifests.delete('');
    await assert.rejects(cache.describe(SPEC, 'signed', { trust: NO_TRUST }), refused('metadata-invalid'));
    // Whoever wants no signature gets the package all the same.
    const found = await cache.describe(SPEC, 'unsigned', { trust: NO_TRUST });
    assert.ok('tarball' in found);
  });
});
