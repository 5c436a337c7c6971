import assert from 'node:assert/strict';
import { readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { readStagedLink, replaceStagedLink } from '../../../src/store/staging/staged-link.js';
import { temporaryFolder } from '../temporary-folder.js';

describe('replaceStagedLink', () => {
  it('gives a link another target, byte for byte', (test) => {
    const folder = temporaryFolder(test);
    const path = Buffer.from(join(folder, 'link'));
    symlinkSync('old', path);
    for (const target of ['new', '/a/b', 'caf\xe9/\xff']) {
      replaceStagedLink(path, Buffer.from(target, 'latin1'));
      assert.equal(readStagedLink(path).toString('latin1'), target);
    }
    assert.deepEqual(readdirSync(folder), ['link']);
  });
});
