// checksum: bytes pass unchanged; a wrong digest ends in an error before the end.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { checksum } from '../../src/stream/checksum.js';
import { SeededRandom } from '../helpers/seeded-random.js';
import { ChunkSource, cut, through } from '../helpers/stream-source.js';

const DATA = new SeededRandom(1).bytes(3000);
const SHA256 = createHash('sha256').update(DATA).digest('hex');

describe('checksum', () => {
  it('passes the same chunks on and tells the digest', async () => {
    for (const size of [1, 7, 511, 512, 513, 3000]) {
      const input = [...cut(DATA, size)];
      const stage = checksum({ algorithm: 'sha256' });
      const chunks = await through(stage, input);
      assert.equal(chunks.length, input.length);
      assert.ok(chunks.every((chunk, i) => chunk === input[i]));
      assert.equal(await stage.digest, SHA256);
    }
  });

  it('knows other algorithms', async () => {
    const stage = checksum({ algorithm: 'md5' });
    await through(stage, [DATA]);
    assert.equal(await stage.digest, createHash('md5').update(DATA).digest('hex'));
    assert.throws(() => checksum({ algorithm: 'no such thing' }));
  });

  it('accepts the expected digest in either case', async () => {
    for (const expected of [SHA256, SHA256.toUpperCase()]) {
      const stage = checksum({ algorithm: 'sha256', expected });
      assert.equal(Buffer.concat(await through(stage, cut(DATA, 100))).length, 3000);
      assert.equal(await stage.digest, SHA256);
    }
  });

  it('gives every chunk, then an error in place of the end', async () => {
    const expected = SHA256.replace(/^./, (digit) => (digit === '0' ? '1' : '0'));
    const stage = checksum({ algorithm: 'sha256', expected });
    const seen: Uint8Array[] = [];
    const reading = (async () => {
      for await (const chunk of new ChunkSource(cut(DATA, 1000)).stream.pipeThrough(stage)) seen.push(chunk);
    })();
    await assert.rejects(reading, {
      code: 'checksum-mismatch',
      data: { algorithm: 'sha256', expected, actual: SHA256 },
    });
    assert.equal(seen.length, 3);
    await assert.rejects(stage.digest, { code: 'checksum-mismatch' });
  });

  it('hashes nothing at all', async () => {
    const expected = createHash('sha256').digest('hex');
    assert.deepEqual(await through(checksum({ algorithm: 'sha256', expected }), []), []);
  });
});
