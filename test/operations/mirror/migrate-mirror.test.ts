// Migration to layout 3: what comes out is whole, and installs as the old cache did; killed and started again it gives the same.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { BuildcacheError } from '../../../src/core/errors.js';
import { openMirror } from '../../../src/mirror/open-mirror.js';
import { checkMirror } from '../../../src/operations/mirror/check-mirror.js';
import { selectEngine } from '../../../src/relocation/engines/select.js';
import { Keyring } from '../../../src/signature/keys/keyring.js';
import { DEFAULT_PROJECTION } from '../../../src/spec/projection.js';
import { lockGoldenStores } from '../../helpers/golden-lock.js';
import { compareTrees, runScenario } from '../../helpers/golden-run.js';
import { type GoldenScenario, goldenScenarios } from '../../helpers/golden-scenario.js';
import { SeededRandom } from '../../helpers/seeded-random.js';
import { temporaryFolder } from '../../store/temporary-folder.js';
import { FIXTURES, migrateSigned, migrateUnsigned, OLD_CACHES, PACKS, PUBLIC_KEY } from './migrate-run.js';

async function codesOf(
  t: TestContext,
  folder: string,
  { signed }: { readonly signed: boolean },
): Promise<string[]> {
  const { findings } = await checkMirror({
    mirror: await openMirror(folder, { signed }),
    keyring: await Keyring.load({ files: [PUBLIC_KEY] }),
    checkSignature: true,
    deep: true,
    engine: selectEngine('js', {}).engine,
    temporaryFolder: temporaryFolder(t),
  });
  return findings.map(({ code }) => code);
}

/** Every file below a folder with its bytes. */
function contentOf(folder: string): Map<string, string> {
  const paths = (readdirSync(folder, { recursive: true }) as string[]).sort();
  const files = paths.filter((path) => statSync(join(folder, path)).isFile());
  return new Map(files.map((path) => [path, readFileSync(join(folder, path), 'latin1')]));
}

describe('migrateMirror', () => {
  for (const { name, folder } of OLD_CACHES) {
    test(`brings everything of ${name} over, and leaves it alone the second time`, async (t) => {
      const isSigned = !name.includes('unsigned');
      const migrate = isSigned ? migrateSigned : migrateUnsigned;
      const run = { source: folder, destination: temporaryFolder(t), temporaryFolder: temporaryFolder(t) };
      const first = await migrate(run);
      assert.ok(first.packages.every(({ outcome, signed }) => outcome === 'migrated' && signed === isSigned));
      assert.deepEqual(await codesOf(t, run.destination, { signed: isSigned }), []);
      const before = contentOf(run.destination);
      const second = await migrate(run);
      assert.ok(second.packages.every(({ outcome }) => outcome === 'already-there'));
      assert.deepEqual(contentOf(run.destination), before);
    });
  }

  const signed = OLD_CACHES.find(({ name }) => name === 'unpadded-signed')?.folder ?? '';

  test('refuses what nobody who is trusted signed, and what nobody signed', async (t) => {
    const keyring = await Keyring.load({ files: [join(FIXTURES, 'keys', 'other-key.pub')] });
    const run = { source: signed, destination: temporaryFolder(t), temporaryFolder: temporaryFolder(t) };
    const { packages, indexes } = await migrateSigned({ ...run, changes: { keyring, deleteOld: true } });
    assert.ok(packages.every(({ error }) => error?.code === 'signature-unknown-key'));
    assert.equal(indexes, undefined);
    assert.deepEqual(readdirSync(run.destination), []);
  });

  test('in place, then removes the old when all of the new is verified', async (t) => {
    const folder = temporaryFolder(t);
    cpSync(signed, folder, { recursive: true });
    writeFileSync(join(folder, 'build_cache', 'notes.txt'), 'mine');
    const run = { source: folder, destination: folder, temporaryFolder: temporaryFolder(t) };
    const { deleted, packages } = await migrateSigned({ ...run, changes: { deleteOld: true } });
    assert.ok(packages.every(({ outcome }) => outcome === 'migrated'));
    assert.ok((deleted?.files ?? 0) > 2 * packages.length);
    const left = [...contentOf(join(folder, 'build_cache')).keys()];
    assert.deepEqual(left, ['notes.txt']);
    assert.deepEqual(await codesOf(t, folder, { signed: true }), ['file-unknown']);
  });

  test('removes what a run has left that was killed while it removed the old', async (t) => {
    const folder = temporaryFolder(t);
    cpSync(signed, folder, { recursive: true });
    const run = { source: folder, destination: folder, temporaryFolder: temporaryFolder(t) };
    const { packages } = await migrateSigned(run);
    const gone = packages.slice(0, 3).map(({ hash }) => hash);
    const before = [...contentOf(join(folder, 'build_cache')).keys()];
    for (const path of before)
      if (/spec\.json/.test(path) && gone.some((hash) => path.includes(hash)))
        rmSync(join(folder, 'build_cache', path));
    const strange = join(folder, 'build_cache', `x-1-${'a'.repeat(32)}.spack`);
    writeFileSync(strange, 'of nothing that was migrated');
    await migrateSigned({ ...run, changes: { deleteOld: true } });
    assert.deepEqual([...contentOf(join(folder, 'build_cache')).keys()], [basename(strange)]);
    assert.deepEqual(await codesOf(t, folder, { signed: true }), ['content-unreferenced']);
  });

  test('removes nothing when one package fails', async (t) => {
    const folder = temporaryFolder(t);
    cpSync(signed, folder, { recursive: true });
    const tarball = [...contentOf(folder).keys()].find((path) => path.endsWith('.spack')) ?? '';
    writeFileSync(join(folder, tarball), 'no tarball');
    const before = contentOf(join(folder, 'build_cache'));
    const run = { source: folder, destination: folder, temporaryFolder: temporaryFolder(t) };
    const { deleted, packages } = await migrateSigned({ ...run, changes: { deleteOld: true } });
    const failed = packages.filter(({ outcome }) => outcome === 'failed');
    assert.deepEqual(
      failed.map(({ error }) => error instanceof BuildcacheError && error.code),
      ['checksum-mismatch'],
    );
    assert.equal(deleted, undefined);
    assert.deepEqual(contentOf(join(folder, 'build_cache')), before);
  });

  test('killed at random moments and started again it gives the same', async (t) => {
    const source = OLD_CACHES.find(({ name }) => name === 'unpadded-signed')?.folder ?? '';
    const whole = temporaryFolder(t);
    await migrateUnsigned({ source, destination: whole, temporaryFolder: temporaryFolder(t) });
    const expected = contentOf(whole);
    const before = contentOf(source);
    const random = new SeededRandom(12);
    const child = fileURLToPath(new URL('./migrate-child.js', import.meta.url));
    for (let round = 0; round < Number(process.env.REGRAFT_KILLS ?? 5); round++) {
      const destination = temporaryFolder(t);
      const temporary = temporaryFolder(t);
      for (let kill = 0; kill < 2; kill++) {
        const running = spawn(process.execPath, [child, source, destination, temporary], {
          stdio: ['ignore', 'pipe', 'inherit'],
        });
        const ended = once(running, 'exit');
        let left = random.below(20);
        running.stdout?.on('data', ({ length }: Buffer) => {
          left -= length;
          if (left <= 0) running.kill('SIGKILL');
        });
        await ended;
      }
      await migrateUnsigned({ source, destination, temporaryFolder: temporary });
      assert.deepEqual(contentOf(destination), expected);
      assert.deepEqual(contentOf(source), before);
    }
  });
});

/** What Spack 1.x relocates, and the Spack that made the golden did not: backup files, interpreters, link targets. */
const NEW_RULES = ['etc/everything.conf~'];
const NEW_INTERPRETERS = [
  'bin/from-dep',
  'bin/from-own',
  'bin/nopie-dep',
  'bin/system',
  'lib/libwithinterp.so',
];

describe('installations from migrated mirrors', () => {
  let lock: Awaited<ReturnType<typeof lockGoldenStores>> | undefined;
  before(async () => {
    lock = await lockGoldenStores();
  });
  after(() => lock?.release());
  const isWanted = (name: string) =>
    /^[bdp]-from-/.test(name) && !/layout3|oci|required|again|shrink/.test(name);
  for (const scenario of PACKS.flatMap((pack) => goldenScenarios(pack, isWanted))) {
    test(scenario.name, async (t) => {
      const cache = temporaryFolder(t);
      const run = { source: scenario.cache, destination: cache, temporaryFolder: temporaryFolder(t) };
      await (scenario.isUnsigned ? migrateUnsigned(run) : migrateSigned(run));
      rmSync(scenario.top, { recursive: true, force: true });
      try {
        const hasOldInterpreters = /layout1|layout2-padded/.test(scenario.name);
        const paths = hasOldInterpreters ? [...NEW_RULES, ...NEW_INTERPRETERS] : NEW_RULES;
        const otherRules = { paths, judge: judgeOf(scenario) };
        const projection = scenario.projection ?? DEFAULT_PROJECTION;
        const report = await runScenario({ ...scenario, cache, projection }, 'js');
        compareTrees(scenario, report, { rewritten: [], mayInstall: [], otherRules });
      } finally {
        rmSync(scenario.top, { recursive: true, force: true });
      }
    });
  }
});

/** What Spack 1.1 made in the same store of the same packages, from its own cache. */
function judgeOf({ name }: GoldenScenario): GoldenScenario | undefined {
  const isPadded = name.includes('padded-') && !name.includes('unpadded-');
  const wanted = `${name[0]}-from-layout3-${isPadded ? 'padded-' : ''}signed`;
  return PACKS.flatMap((pack) => goldenScenarios(pack, (each) => each === wanted))[0];
}
