// Every golden installation of a real Spack, with every engine: the same trees, modes, links and database records.
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { compareWithGolden, runScenario } from '../helpers/golden-run.js';
import { goldenScenarios } from '../helpers/golden-scenario.js';

/** The complete fixtures where they are; else those of this repository. */
const fixtures = process.env.REGRAFT_FIXTURES ?? join('test', 'fixtures');
const packs = [fixtures, join(fixtures, '..', 'fixtures-v2v3')].filter((pack) => existsSync(pack));
const engines = ['js', 'wasm'] as const;

/** OCI is not read yet; growing an rpath comes with its own issue. */
const isWanted = (name: string) =>
  !name.includes('-oci') && !name.includes('layout3') && !/^c-from-.*-signed-libplain$/.test(name);

for (const [engine, through] of engines.flatMap((each) => [
  [each, 'core'] as const,
  [each, 'streams'] as const,
])) {
  describe(`golden installations, engine ${engine}, through the ${through}`, () => {
    for (const scenario of packs.flatMap((pack) => goldenScenarios(pack, isWanted))) {
      it(scenario.name, async () => {
        rmSync(scenario.top, { recursive: true, force: true });
        try {
          compareWithGolden(scenario, await runScenario(scenario, engine, through));
        } finally {
          if (process.env.KEEP === undefined) rmSync(scenario.top, { recursive: true, force: true });
        }
      });
    }
  });
}
