// Every golden installation of a real Spack, with every engine: the same trees, modes, links and database records.
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { lockGoldenStores } from '../helpers/golden-lock.js';
import {
  compareWithGolden,
  type GoldenExceptions,
  type InstallWay,
  runScenario,
} from '../helpers/golden-run.js';
import { goldenScenarios } from '../helpers/golden-scenario.js';
import { checkGrownPackages } from '../helpers/grown-packages.js';
import { ENGINE_NAMES } from '../helpers/native-engine.js';
import { checkSbangPackage } from '../helpers/sbang-package.js';

/** The complete fixtures where they are; else those of this repository. */
const fixtures = process.env.REGRAFT_FIXTURES ?? join('test', 'fixtures');
const packs = [fixtures, join(fixtures, '..', 'fixtures-v2v3')].filter((pack) =>
  existsSync(join(pack, 'golden')),
);

/** libbare's rpath grows: the reference's bytes are patchelf's. libplain's do, too, where the reference fails. */
const GROWN: GoldenExceptions = { rewritten: ['lib/libbare.so'], mayInstall: ['libplain'] };
/** Spack 1.1 maps sbang's path in C strings too, and here it has no room; ours installs the package as Spack 0.22 does. */
const SBANG: GoldenExceptions = { rewritten: [], mayInstall: ['interpuser'] };
const SBANG_SCENARIO = 'c-from-layout3-padded-signed-interpuser';

function exceptionsOf(name: string): GoldenExceptions | undefined {
  if (/^c-from-.*-signed-libplain$/.test(name)) return GROWN;
  return name === SBANG_SCENARIO ? SBANG : undefined;
}

/** Every engine by the two ways of the API; threads are the same for all engines. */
const runs = ENGINE_NAMES.flatMap((engine) => {
  const ways: readonly InstallWay[] =
    engine === 'wasm' ? ['core', 'streams', 'one worker', 'two workers each'] : ['core', 'streams'];
  return ways.map((way) => ({ engine, way }));
});

for (const { engine, way } of runs) {
  describe(`golden installations, engine ${engine}, way: ${way}`, () => {
    let lock: Awaited<ReturnType<typeof lockGoldenStores>> | undefined;
    before(async () => {
      lock = await lockGoldenStores();
    });
    after(() => lock?.release());
    for (const scenario of packs.flatMap((pack) => goldenScenarios(pack))) {
      it(scenario.name, async () => {
        rmSync(scenario.top, { recursive: true, force: true });
        try {
          const report = await runScenario(scenario, engine, way);
          compareWithGolden(scenario, report, exceptionsOf(scenario.name));
          if (exceptionsOf(scenario.name) === GROWN) checkGrownPackages(scenario, report);
          if (scenario.name === SBANG_SCENARIO) checkSbangPackage(scenario, report);
        } finally {
          if (process.env.KEEP === undefined) rmSync(scenario.top, { recursive: true, force: true });
        }
      });
    }
  });
}
