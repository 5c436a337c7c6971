// Every golden installation of a real Spack, with every engine: the same trees, modes, links and database records.
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { lockGoldenStores } from '../helpers/golden-lock.js';
import { compareWithGolden, type GoldenExceptions, runScenario } from '../helpers/golden-run.js';
import { goldenScenarios } from '../helpers/golden-scenario.js';
import { checkGrownPackages } from '../helpers/grown-packages.js';
import { ENGINE_NAMES } from '../helpers/native-engine.js';

/** The complete fixtures where they are; else those of this repository. */
const fixtures = process.env.REGRAFT_FIXTURES ?? join('test', 'fixtures');
const packs = [fixtures, join(fixtures, '..', 'fixtures-v2v3')].filter((pack) => existsSync(pack));

/** OCI is not read yet. */
const isWanted = (name: string) => !name.includes('-oci') && !name.includes('layout3');

/** libbare's rpath grows: the reference's bytes are patchelf's. libplain's do, too, where the reference fails. */
const GROWN: GoldenExceptions = { rewritten: ['lib/libbare.so'], mayInstall: ['libplain'] };
const exceptionsOf = (name: string) => (/^c-from-.*-signed-libplain$/.test(name) ? GROWN : undefined);

for (const [engine, through] of ENGINE_NAMES.flatMap((each) => [
  [each, 'core'] as const,
  [each, 'streams'] as const,
])) {
  describe(`golden installations, engine ${engine}, through the ${through}`, () => {
    let lock: Awaited<ReturnType<typeof lockGoldenStores>> | undefined;
    before(async () => {
      lock = await lockGoldenStores();
    });
    after(() => lock?.release());
    for (const scenario of packs.flatMap((pack) => goldenScenarios(pack, isWanted))) {
      it(scenario.name, async () => {
        rmSync(scenario.top, { recursive: true, force: true });
        try {
          const report = await runScenario(scenario, engine, through);
          compareWithGolden(scenario, report, exceptionsOf(scenario.name));
          if (exceptionsOf(scenario.name) !== undefined) checkGrownPackages(scenario, report);
        } finally {
          if (process.env.KEEP === undefined) rmSync(scenario.top, { recursive: true, force: true });
        }
      });
    }
  });
}
