// Installations to a root that is longer than the one where the packages were built.
import assert from 'node:assert/strict';
import { readFileSync, readlinkSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { StoreError } from '../../../src/core/errors.js';
import { extractThroughStreams } from '../../../src/operations/install/extract-through-streams.js';
import type { InstallReport } from '../../../src/operations/install/install.js';
import { buildCache, OLD_ROOT, type PackageSketch } from '../../helpers/cache-builder.js';
import { buildElf } from '../../helpers/elf-builder.js';
import { installedIn, outcomes, type RunRequest, runInstall } from '../../helpers/install-run.js';
import { temporaryFolder } from '../../store/temporary-folder.js';

const WAYS = {
  core: { workers: 0 },
  streams: { workers: 0, extract: extractThroughStreams },
  'one worker': { workers: 1, thresholds: { start: 0, split: Number.POSITIVE_INFINITY } },
  'two workers': { workers: 4, thresholds: { start: 0, split: 0 } },
} as const;

/** The padded root has this many characters more than the old one. */
const LONGER = 50;

const elf = (...strings: readonly string[]) =>
  buildElf({ payload: Buffer.from(`\0${strings.join('\0')}\0${' '.repeat(64)}`) }).bytes;

/** Texts, links, and strings in one binary with more room than in the other. */
const SKETCH: PackageSketch = {
  name: 'top',
  members: [
    { name: 'lib/a.so', body: elf(`${OLD_ROOT}/share/data`) },
    { name: 'lib/b.so', body: elf('nothing', `${OLD_ROOT}/x`, `PATH=${OLD_ROOT}/share/more`) },
  ],
  spoilBuildinfo: (text) =>
    text.replace('relocate_binaries:\n- lib/tool\n', 'relocate_binaries:\n- lib/a.so\n- lib/b.so\n'),
};

interface Place {
  readonly folder: string;
  readonly root: string;
  run(request?: Partial<RunRequest>): Promise<InstallReport>;
  read(name: string): string;
}

async function place(test: TestContext): Promise<Place> {
  const folder = temporaryFolder(test);
  const cache = await buildCache(join(folder, 'mirror'), [SKETCH]);
  const paddedLength = OLD_ROOT.length + LONGER;
  const run = (request: Partial<RunRequest> = {}) =>
    runInstall({ folder, queries: ['top'], mirrors: [cache.folder], paddedLength, ...request });
  let root = '';
  return {
    folder,
    get root() {
      return root;
    },
    run: async (request) => {
      const report = await run(request);
      root = report.root;
      return report;
    },
    read: (name) => readFileSync(join(root, cache.get('top').projected, name), 'latin1'),
  };
}

describe('install to a longer root', () => {
  for (const [way, options] of Object.entries(WAYS)) {
    it(`refuses a package whose C strings have no room, and says what would fit: ${way}`, async (test) => {
      const at = await place(test);
      const report = await at.run(options);
      assert.deepEqual(outcomes(report), ['top: failed (cannot-grow-string)']);
      const error = report.packages[0]?.error;
      // The last string that is looked at has the least room: its end is too short to tell what other strings share it. The
      // streams know the first string only.
      const longest = way === 'streams' ? OLD_ROOT.length : OLD_ROOT.length - 8;
      assert.equal(error?.data.longestRoot, longest);
      assert.match(String(error?.data.path), /lib\/a\.so$/);
      assert.equal(error?.data.string, `${OLD_ROOT}/share/data`);
      const file = elf(`${OLD_ROOT}/share/data`);
      const offset = Buffer.from(file).indexOf(`${OLD_ROOT}/share/data`);
      assert.equal(error?.data.offset, offset);
      assert.match(
        error?.message ?? '',
        new RegExp(`/share/data" at byte ${offset}; .* has ${longest} bytes$`),
      );
      assert.match(error?.hint ?? '', /--alias-root/);
      assert.deepEqual(installedIn(at.folder), []);
    });

    it(`puts an alias of the root into C strings, and nowhere else: ${way}`, async (test) => {
      const at = await place(test);
      const aliasRoot = join(at.folder, 's');
      const report = await at.run({ ...options, aliasRoot });
      assert.deepEqual(outcomes(report), ['top: installed']);
      assert.equal(readlinkSync(aliasRoot), at.root);
      const pad = '/'.repeat(OLD_ROOT.length - aliasRoot.length);
      assert.ok(at.read('lib/a.so').includes(`\0${pad}${aliasRoot}/share/data\0`));
      assert.ok(at.read('lib/b.so').includes(`\0${aliasRoot}/x\0`));
      assert.ok(at.read('lib/b.so').includes(`\0PATH=${pad}${aliasRoot}/share/more\0`));
      assert.ok(at.read('share/paths').endsWith(`\nroot=${at.root}\n`));
      assert.ok(!at.read('bin/run').includes(`${aliasRoot}/`));
    });
  }

  it('uses the alias for nothing where the root is shorter', async (test) => {
    const at = await place(test);
    await at.run({ paddedLength: OLD_ROOT.length - 20, aliasRoot: join(at.folder, 's') });
    assert.ok(at.read('lib/a.so').includes(`${at.root}/share/data\0`));
  });

  it('says how long an alias may be, where the given one is too long, too', async (test) => {
    const at = await place(test);
    const aliasRoot = join(at.folder, 's'.repeat(OLD_ROOT.length - at.folder.length - 2));
    const report = await at.run({ aliasRoot });
    assert.deepEqual(outcomes(report), ['top: failed (cannot-shrink-string)']);
    const error = report.packages[0]?.error;
    assert.equal(error?.data.longestRoot, OLD_ROOT.length - 8);
    assert.match(error?.hint ?? '', /alias of at most/);
  });

  it('refuses an alias that leads elsewhere, before anything is installed', async (test) => {
    const at = await place(test);
    const aliasRoot = join(at.folder, 's');
    symlinkSync('/', aliasRoot);
    await assert.rejects(
      at.run({ aliasRoot }),
      (error) => error instanceof StoreError && error.code === 'alias-root-unusable',
    );
    assert.deepEqual(installedIn(at.folder), []);
  });
});
