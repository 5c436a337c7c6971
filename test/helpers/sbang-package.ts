// What must hold of the package that Spack 1.1 cannot install because sbang's new path has no room in its C strings: it is the one that
// Spack 0.22 installs from layout 2, but for its buildinfo.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { InstallReport } from '../../src/operations/install/install.js';
import { compareTree } from './golden-run.js';
import { expectedManifests, type GoldenScenario } from './golden-scenario.js';

/** Looks at the installed `interpuser`. */
export function checkSbangPackage(scenario: GoldenScenario, report: InstallReport): void {
  const found = report.packages.find((each) => each.name === 'interpuser');
  assert.equal(found?.outcome, 'installed', found?.error?.message);
  assert.match(found?.details?.warnings.join('\n') ?? '', /has no room for the new path of sbang and keeps/);
  const folder = join(scenario.folder, '..', 'c-from-layout2-padded-signed');
  const manifests = expectedManifests({ ...scenario, folder });
  const expected = manifests.get(`${found?.name}-${found?.version}-${found?.hash}`);
  assert.ok(expected);
  // Spack 1.x writes it in another style.
  const rewritten = ['.spack/binary_distribution'];
  compareTree(found?.prefix ?? '', expected, { rewritten, mayInstall: [], hasOwnTimes: false });
}
