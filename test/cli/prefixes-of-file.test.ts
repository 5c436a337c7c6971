import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { prefixesOfFile } from '../../src/cli/prefixes-of-file.js';
import { temporaryFolder } from '../store/temporary-folder.js';

describe('prefixesOfFile', () => {
  it('gives the prefix that a file lies in, and those that its buildinfo has', (test) => {
    const folder = temporaryFolder(test);
    mkdirSync(join(folder, 'p/.spack'), { recursive: true });
    mkdirSync(join(folder, 'p/lib'));
    writeFileSync(join(folder, 'p/lib/libx.so'), '');
    const buildinfo = join(folder, 'p/.spack/binary_distribution');
    writeFileSync(join(folder, 'p/.spack/spec.json'), '{}');
    assert.deepEqual(prefixesOfFile(join(folder, 'p/lib/libx.so')), [join(folder, 'p')]);
    writeFileSync(
      buildinfo,
      'buildpath: /old/store\nspackprefix: /old/spack\nrelative_prefix: p\nrelocate_textfiles: []\nrelocate_binaries: []\nhash_to_prefix:\n  aa: /old/store/p\n',
    );
    assert.deepEqual(prefixesOfFile(join(folder, 'p/lib/libx.so')), [
      join(folder, 'p'),
      '/old/store/p',
      '/old/store',
      '/old/spack',
    ]);
    writeFileSync(buildinfo, ': : :');
    assert.deepEqual(prefixesOfFile(join(folder, 'p/lib/libx.so')), [join(folder, 'p')]);
  });

  it('gives none for a file in no prefix', (test) => {
    const folder = temporaryFolder(test);
    writeFileSync(join(folder, 'x'), '');
    assert.deepEqual(prefixesOfFile(join(folder, 'x')), []);
  });
});
