// Packages of old build caches, whose rpaths are relative to the file, by every way that a package can go.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { readElf } from '../../../src/binfmt/elf/elf.js';
import { sourceOfBytes } from '../../../src/core/byte-source.js';
import { extractThroughStreams } from '../../../src/operations/install/extract-through-streams.js';
import { buildCache, hashFor, OLD_ROOT, type PackageSketch } from '../../helpers/cache-builder.js';
import { buildElf } from '../../helpers/elf-builder.js';
import { outcomes, rootOf, runInstall } from '../../helpers/install-run.js';
import { temporaryFolder } from '../../store/temporary-folder.js';

const WAYS = {
  core: { workers: 0 },
  streams: { workers: 0, extract: extractThroughStreams },
  'two workers': { workers: 4, thresholds: { start: 0, split: 0 } },
} as const;

/** Other names of the prefixes than where the package was built. */
const PROJECTION = '{name}-{hash:7}';

const BASE_FOLDER = `base-1.0-${hashFor('base')}`;

const SKETCHES: readonly PackageSketch[] = [
  { name: 'base' },
  {
    name: 'top',
    dependencies: ['base'],
    members: [
      { name: 'lib/deep', type: '5', mode: 0o755 },
      {
        name: 'lib/deep/libx.so',
        body: buildElf({
          rpath: `$ORIGIN/../../share:$ORIGIN/../../../${BASE_FOLDER}/lib:/:${OLD_ROOT}/none`,
        }).bytes,
      },
    ],
    spoilBuildinfo: (text) =>
      text
        .replace('hardlinks_deduped: true', 'relative_rpaths: true')
        .replace('relocate_binaries:\n', 'relocate_binaries:\n- lib/deep/libx.so\n'),
  },
];

describe('an old cache with relative rpaths', () => {
  for (const [way, options] of Object.entries(WAYS)) {
    it(`installs with rpaths that lead to the new places: ${way}`, async (test) => {
      const folder = temporaryFolder(test);
      const { folder: mirror } = await buildCache(join(folder, 'mirror'), SKETCHES);
      const report = await runInstall({
        folder,
        queries: ['top'],
        mirrors: [mirror],
        projection: PROJECTION,
        ...options,
      });
      assert.deepEqual(outcomes(report), ['base: installed', 'top: installed']);
      const prefixOf = (name: string) => `${name}-${hashFor(name).slice(0, 7)}`;
      const file = (path: string) => readFileSync(join(rootOf(folder), prefixOf('top'), path));
      const rpathOf = (bytes: Buffer) =>
        Buffer.from(readElf(sourceOfBytes(bytes))?.rpath?.value ?? []).toString();
      assert.equal(
        rpathOf(file('lib/deep/libx.so')),
        `$ORIGIN/../../share:$ORIGIN/../../../${prefixOf('base')}/lib:/:$ORIGIN/../../../none`,
      );
      assert.equal(rpathOf(file('lib/tool')), `$ORIGIN/.:$ORIGIN/../../${prefixOf('base')}/lib`);
    });
  }
});
