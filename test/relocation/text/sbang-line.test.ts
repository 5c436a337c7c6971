import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fromLatin1 } from '../../../src/core/bytes.js';
import { filterShebang, SHEBANG_BYTES } from '../../../src/relocation/text/sbang-line.js';
import { fromBase64, loadVectors } from '../../helpers/vectors.js';

interface ShebangVector {
  readonly sbang: string;
  readonly limit: number;
  readonly input: string;
  readonly output: string | null;
}

const VECTORS = loadVectors<ShebangVector>('shebang.json');

describe('filterShebang', () => {
  it(`does what Spack does (${VECTORS.length} vectors)`, () => {
    for (const vector of VECTORS) {
      const file = fromBase64(vector.input);
      const target = { sbangPath: fromLatin1(vector.sbang), limit: vector.limit };
      const edit = filterShebang(file.subarray(0, SHEBANG_BYTES), target);
      const result = edit && Buffer.concat([edit.header, file.subarray(edit.replaces)]);
      assert.deepEqual(result, vector.output === null ? undefined : fromBase64(vector.output));
    }
  });

  it('counts the newline into the line, whose limit depends on the system', () => {
    const line = (length: number) => Buffer.from(`#!/${'p'.repeat(length - 4)}\n`);
    const sbangPath = Buffer.from('/s/bin/sbang');
    for (const limit of [127, 511]) {
      assert.equal(filterShebang(line(limit), { sbangPath, limit }), undefined);
      const edit = filterShebang(line(limit + 1), { sbangPath, limit });
      assert.equal(edit?.replaces, limit + 1);
    }
  });
});
