// Packages of the old layout: an outer archive with the specfile, its detached signature, and the tarball proper.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it, type TestContext } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { PrivateKey } from 'openpgp';
import type { Keyring } from '../../../src/signature/keys/keyring.js';
import { type BuiltCache, buildCache, hashFor } from '../../helpers/cache-builder.js';
import {
  checkNothingLeft,
  installedIn,
  outcomes,
  type RunRequest,
  runInstall,
} from '../../helpers/install-run.js';
import { type MemberSketch, tarArchive } from '../../helpers/tar-builder.js';
import { keyringOf, makeKey, signDetached } from '../../signature/temporary-keys.js';
import { temporaryFolder } from '../../store/temporary-folder.js';

let key: PrivateKey;
let otherKey: PrivateKey;
let keyring: Keyring;
before(async () => {
  key = await makeKey();
  otherKey = await makeKey();
  keyring = await keyringOf(key);
});

/** What an outer archive is made of. */
interface Parts {
  readonly name: string;
  readonly metadata: Buffer;
  readonly tarball: Buffer;
  readonly signature: Buffer;
}

interface Place {
  readonly folder: string;
  readonly cache: BuiltCache;
  /** SHA-256 of the outer archive. */
  readonly digest: string;
  readonly run: (request?: Partial<RunRequest>) => ReturnType<typeof runInstall>;
}

type Assemble = (parts: Parts) => readonly (MemberSketch | Uint8Array)[];

const everything: Assemble = ({ name, metadata, tarball, signature }) => [
  { name: `${name}.spec.json`, body: metadata },
  { name: `${name}.spec.json.asc`, body: signature },
  { name: `${name}.tar.gz`, body: tarball },
];

/** A cache with the one package `top`, put together by `assemble`. */
async function place(
  test: TestContext,
  assemble: Assemble = everything,
  signer?: PrivateKey,
): Promise<Place> {
  const folder = temporaryFolder(test);
  const cache = await buildCache(join(folder, 'mirror'), [
    { name: 'top', spoilMetadata: ({ buildcache_layout_version, ...metadata }) => metadata },
  ]);
  const { specfile, tarball } = cache.get('top');
  const metadata = readFileSync(join(cache.folder, specfile));
  const name = specfile.replace(/^.*\//, '').replace(/\.spec\.json$/, '');
  const signature = await signDetached(metadata, signer ?? key);
  const parts = { name, metadata, tarball: readFileSync(join(cache.folder, tarball)), signature };
  const outer = tarArchive(...assemble(parts));
  writeFileSync(join(cache.folder, tarball), outer);
  const digest = createHash('sha256').update(outer).digest('hex');
  const run = (request = {}) => runInstall({ folder, queries: ['top'], mirrors: [cache.folder], ...request });
  return { folder, cache, digest, run };
}

describe('install of layout 0', () => {
  for (const engine of ['js', 'wasm'] as const) {
    it(`takes what is inside, with its signature (${engine})`, async (test) => {
      const { folder, run } = await place(test);
      const report = await run({ keyring, engine });
      assert.deepEqual(outcomes(report), ['top: installed'], report.packages[0]?.error?.message);
      assert.deepEqual(
        [report.packages[0]?.details?.verified, report.packages[0]?.details?.layoutVersion],
        [true, 0],
      );
      assert.ok(readFileSync(join(report.packages[0]?.prefix ?? '', 'bin/run'), 'utf8').includes(folder));
      checkNothingLeft(folder);
    });
  }

  const good: Readonly<Record<string, Assemble>> = {
    'the tarball first': (parts) => [...everything(parts)].reverse(),
    'names that begin with a dot': (parts) =>
      everything(parts).map((part) =>
        part instanceof Uint8Array ? part : { ...part, name: `./${part.name}` },
      ),
    'more members, which do not count': (parts) => [
      { name: 'README', body: 'x'.repeat(5000) },
      { name: 'folder', type: '5' },
      ...everything(parts),
      { name: '../escape', body: 'x' },
      { name: `${parts.name}.tar.gz.asc`, body: 'x' },
    ],
    'an older version of each member before': (parts) => [
      { name: `${parts.name}.spec.json`, body: '{}' },
      { name: `${parts.name}.tar.gz`, body: 'x' },
      ...everything(parts),
    ],
    'a tarball that is not compressed': (parts) => {
      const plain = gunzipSync(parts.tarball);
      const text = parts.metadata.toString();
      const { hash } = JSON.parse(text).binary_cache_checksum;
      const metadata = Buffer.from(text.replace(hash, createHash('sha256').update(plain).digest('hex')));
      return everything({ ...parts, tarball: plain, metadata });
    },
  };
  for (const [name, assemble] of Object.entries(good)) {
    it(`takes ${name}`, async (test) => {
      const { folder, run } = await place(test, assemble);
      const report = await run();
      assert.deepEqual(outcomes(report), ['top: installed'], report.packages[0]?.error?.message);
      checkNothingLeft(folder);
    });
  }

  it('takes an outer archive that is compressed itself', async (test) => {
    const { folder, cache, run } = await place(test);
    const path = join(cache.folder, cache.get('top').tarball);
    writeFileSync(path, gzipSync(readFileSync(path)));
    for (const engine of ['js', 'wasm'] as const)
      assert.deepEqual(outcomes(await run({ engine, force: true })), ['top: installed']);
    checkNothingLeft(folder);
  });

  it('compares --sha256 with the outer archive', async (test) => {
    const { folder, cache, digest, run } = await place(test);
    assert.deepEqual(outcomes(await run({ sha256: cache.get('top').digest })), [
      'top: failed (checksum-mismatch)',
    ]);
    checkNothingLeft(folder);
    assert.deepEqual(outcomes(await run({ sha256: digest })), ['top: installed']);
  });

  const without =
    (ending: string): Assemble =>
    (parts) =>
      everything(parts).filter((part) => part instanceof Uint8Array || !part.name?.endsWith(ending));
  const changed =
    (from: string, to: string): Assemble =>
    (parts) =>
      everything({ ...parts, metadata: Buffer.from(parts.metadata.toString().replaceAll(from, to)) });
  const refused: Readonly<Record<string, readonly [Assemble, string, signer?: () => PrivateKey]>> = {
    'no signature': [without('.asc'), 'signature-missing'],
    'a signature of somebody else': [everything, 'signature-unknown-key', () => otherKey],
    'a specfile that was changed': [
      changed('"namespace":"fixtures"', '"namespace":"fixture5"'),
      'signature-invalid',
    ],
    'a signature of nothing': [
      (parts) => everything({ ...parts, signature: Buffer.from('x') }),
      'signature-malformed',
    ],
    'no specfile': [without('.spec.json'), 'archive-layout'],
    'no tarball': [without('.tar.gz'), 'archive-layout'],
    'a tarball of another package': [
      (parts) =>
        everything(parts).map((part) =>
          part instanceof Uint8Array ? part : { ...part, name: 'other.tar.gz' },
        ),
      'archive-layout',
    ],
    'a tarball that was changed': [
      (parts) => everything({ ...parts, tarball: Buffer.concat([parts.tarball, Buffer.from('x')]) }),
      'checksum-mismatch',
    ],
    'a tarball that is a directory': [
      (parts) =>
        everything(parts).map((part) =>
          'name' in part && part.name?.endsWith('gz') ? { name: part.name, type: '5' } : part,
        ),
      'archive-layout',
    ],
  };
  for (const [name, [assemble, code, signer]] of Object.entries(refused)) {
    it(`refuses ${name}: ${code}`, async (test) => {
      const { folder, run } = await place(test, assemble, signer?.());
      const report = await run({ keyring });
      assert.deepEqual(outcomes(report), [`top: failed (${code})`], report.packages[0]?.error?.message);
      assert.deepEqual(installedIn(folder), []);
      checkNothingLeft(folder);
    });
  }

  it('refuses a good package under another name, signed or not', async (test) => {
    const signed = await place(test, (parts) => everything(parts));
    for (const [request, code] of [
      [{ keyring }, 'signature-invalid'],
      [{}, 'wrong-package'],
    ] as const) {
      const { folder, run } = await place(test, changed(hashFor('top'), hashFor('bottom')));
      assert.deepEqual(outcomes(await run(request)), [`top: failed (${code})`]);
      checkNothingLeft(folder);
    }
    assert.deepEqual(outcomes(await signed.run({ keyring })), ['top: installed']);
  });

  it('refuses an outer archive that is cut at any member, and leaves nothing', async (test) => {
    const { folder, cache, run } = await place(test);
    const path = join(cache.folder, cache.get('top').tarball);
    const whole = readFileSync(path);
    for (const end of [0, 1, 511, 512, 700, 1500, whole.length - 1600]) {
      writeFileSync(path, whole.subarray(0, end));
      const [outcome] = outcomes(await run());
      assert.match(outcome ?? '', /^top: failed \((tar-truncated|archive-layout)\)$/, `cut at ${end}`);
      checkNothingLeft(folder);
    }
  });
});
