// The check of a whole build cache: good ones of every layout, and each thing that can be wrong, by its code.
import assert from 'node:assert/strict';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { openMirror } from '../../../src/mirror/open-mirror.js';
import { type CheckMirrorReport, checkMirror } from '../../../src/operations/mirror/check-mirror.js';
import { selectEngine } from '../../../src/relocation/engines/select.js';
import { Keyring } from '../../../src/signature/keys/keyring.js';
import { temporaryFolder } from '../../store/temporary-folder.js';
import { layer3Mirror } from './layer-3-mirror.js';

const FIXTURES = process.env.REGRAFT_FIXTURES ?? join('test', 'fixtures');
const KEY = join(FIXTURES, 'keys', 'fixture-key.pub');
const packs = [FIXTURES, join(FIXTURES, '..', 'fixtures-v2v3')].filter((pack) =>
  existsSync(join(pack, 'caches')),
);
const caches = packs.flatMap((pack) =>
  readdirSync(join(pack, 'caches')).map((name) => ({ name, folder: join(pack, 'caches', name) })),
);

interface CheckOptions {
  readonly deep?: boolean;
  readonly keyFile?: string;
  readonly signed?: boolean;
}

async function check(
  t: TestContext,
  folder: string,
  { deep = true, keyFile = KEY, signed = true }: CheckOptions = {},
): Promise<CheckMirrorReport> {
  const mirror = await openMirror(folder, { signed });
  const keyring = await Keyring.load({ files: [keyFile] });
  const { engine } = selectEngine('js', {});
  const temporary = temporaryFolder(t);
  return checkMirror({ mirror, keyring, checkSignature: true, deep, engine, temporaryFolder: temporary });
}

const codesOf = ({ findings }: CheckMirrorReport) =>
  findings.map(({ severity, code }) => `${severity} ${code}`);

describe('checkMirror', () => {
  for (const { name, folder } of caches) {
    test(`finds nothing wrong with ${name}`, async (t) => {
      const report = await check(t, folder, { signed: !name.includes('unsigned') });
      assert.deepEqual(report.findings, []);
      assert.ok(report.ok);
      assert.equal(report.layers.length, 1);
      assert.ok((report.layers[0]?.packages ?? 0) > 0);
    });
  }

  test('an unsigned mirror is wrong where signatures are wanted, and only in that', async (t) => {
    const place = await layer3Mirror(t, { packages: 2 });
    const report = await check(t, place.folder);
    assert.deepEqual(codesOf(report), ['error signature-missing', 'error signature-missing']);
    assert.equal(report.ok, false);
  });
});

/** What is done to a good mirror of layout 3, and what must be found. */
const DAMAGES: readonly {
  readonly name: string;
  readonly damage: (place: Awaited<ReturnType<typeof layer3Mirror>>) => void;
  readonly codes: readonly string[];
  readonly shallow?: readonly string[];
}[] = [
  { name: 'nothing', damage: () => {}, codes: [] },
  { name: 'a tarball is gone', damage: (place) => rmSync(place.tarball(0)), codes: ['error blob-missing'] },
  {
    name: 'a spec blob is gone',
    damage: (place) => rmSync(place.specBlob(0)),
    codes: ['error blob-missing'],
  },
  {
    name: 'a tarball is cut',
    damage: (place) => writeFileSync(place.tarball(0), readFileSync(place.tarball(0)).subarray(1)),
    codes: ['error size-mismatch'],
  },
  {
    name: 'a byte of a tarball is another',
    damage: (place) => flip(place.tarball(0)),
    codes: ['error checksum-mismatch'],
    shallow: [],
  },
  {
    name: 'a byte of a spec blob is another',
    damage: (place) => flip(place.specBlob(0)),
    codes: ['error checksum-mismatch'],
  },
  {
    name: 'a manifest is gone',
    damage: (place) => rmSync(place.manifest(0)),
    codes: ['error index-package-missing', 'note content-unreferenced', 'note content-unreferenced'],
  },
  {
    name: 'a manifest has the name of another package',
    damage: (place) => renameSync(place.manifest(0), place.manifest(1)),
    codes: [
      'error wrong-package',
      'error index-package-missing',
      'note content-unreferenced',
      'note content-unreferenced',
    ],
  },
  {
    name: 'a manifest is no JSON',
    damage: (place) => writeFileSync(place.manifest(0), '{"version":3,'),
    codes: ['error metadata-syntax', 'note content-unreferenced', 'note content-unreferenced'],
  },
  {
    name: 'the blob of the index is gone',
    damage: (place) => rmSync(place.indexBlob()),
    codes: ['error blob-missing'],
  },
  {
    name: 'a file that belongs nowhere',
    damage: (place) => {
      const file = join(place.folder, 'blobs/sha256/00/notes.txt');
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, 'x');
    },
    codes: ['note file-unknown'],
  },
];

function flip(file: string): void {
  const bytes = readFileSync(file);
  bytes[bytes.length - 9] = (bytes[bytes.length - 9] ?? 0) ^ 1;
  writeFileSync(file, bytes);
}

describe('checkMirror of a damaged mirror of layout 3', () => {
  for (const { name, damage, codes, shallow = codes } of DAMAGES) {
    test(name, async (t) => {
      const place = await layer3Mirror(t, { packages: 3 });
      damage(place);
      assert.deepEqual(codesOf(await check(t, place.folder, { signed: false })).sort(), [...codes].sort());
      const quick = await check(t, place.folder, { signed: false, deep: false });
      assert.deepEqual(codesOf(quick).sort(), [...shallow].sort());
      assert.equal(quick.ok, !shallow.some((code) => code.startsWith('error')));
    });
  }

  test('the classic layouts: tarball gone, hash file behind, another tarball', async (t) => {
    const source = caches.find(({ name }) => name === 'unpadded-signed');
    assert.ok(source);
    const folder = temporaryFolder(t);
    cpSync(source.folder, folder, { recursive: true });
    const files = (readdirSync(folder, { recursive: true }) as string[]).filter((path) =>
      path.endsWith('.spack'),
    );
    const [first = '', second = ''] = files.sort();
    rmSync(join(folder, first));
    flip(join(folder, second));
    writeFileSync(join(folder, 'build_cache/index.json.hash'), '0'.repeat(64));
    assert.deepEqual(codesOf(await check(t, folder)).sort(), [
      'error blob-missing',
      'error checksum-mismatch',
      'error checksum-mismatch',
    ]);
  });

  test('the text of a signed manifest that was changed, and a key that is not trusted', async (t) => {
    const source = packs.map((pack) => join(pack, 'caches/layout3-signed')).find((path) => existsSync(path));
    if (source === undefined) return t.skip('needs the fixtures of layout 3');
    const other = await check(t, source, { keyFile: join(FIXTURES, 'keys', 'other-key.pub') });
    assert.ok(codesOf(other).every((code) => code === 'error signature-unknown-key'));
    assert.equal(other.findings.length, other.layers[0]?.packages);
  });
});
