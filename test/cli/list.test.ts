import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { runHere } from '../helpers/program-run.js';
import { temporaryFolder } from '../store/temporary-folder.js';

const FIXTURES = process.env.REGRAFT_FIXTURES;

describe('regraft list', { skip: FIXTURES === undefined && 'REGRAFT_FIXTURES is not set' }, () => {
  for (const name of ['unpadded-signed', 'padded-signed']) {
    it(`prints ${name} as spack buildcache list does`, async (test) => {
      const folder = temporaryFolder(test);
      const golden = readFileSync(join(FIXTURES ?? '', `golden/list-${name}.txt`), 'utf8');
      const outputs = golden.split(/^\$ spack buildcache list (.*)\n/m).slice(1);
      assert.equal(outputs.length, 8);
      // The last one lists another machine's architecture, and so nothing.
      for (let i = 0; i < 6; i += 2) {
        // All architectures is what we always list.
        const flag = outputs[i]?.replace('a', '') ?? '';
        const { out, err, exitCode } = await runHere(
          ['list', flag, '-m', join(FIXTURES ?? '', 'caches', name)],
          { folder },
        );
        assert.deepEqual([err, exitCode], ['', 0]);
        assert.equal(out, outputs[i + 1], flag);
      }
    });
  }

  it('has an empty line between groups', async (test) => {
    const cache = join(FIXTURES ?? '', '../fixtures-v2v3/caches/layout2-signed');
    const { out } = await runHere(['list', '-m', cache], { folder: temporaryFolder(test) });
    const headings = out.split('\n').filter((line) => line.startsWith('-- '));
    const gaps = out.split('\n\n').length - 1;
    assert.equal(gaps, headings.length - 1);
  });
});
