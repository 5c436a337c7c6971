// rechunk: the same bytes, cut anew.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { rechunk } from '../../src/stream/rechunk.js';
import { SeededRandom } from '../helpers/seeded-random.js';
import { cut, through } from '../helpers/stream-source.js';

describe('rechunk', () => {
  it('gives chunks of one size from chunks of any size', async () => {
    const data = new SeededRandom(1).bytes(2000);
    for (const inputSize of [1, 7, 511, 512, 513, 2000]) {
      for (const size of [1, 100, 512, 2000, 3000]) {
        const chunks = await through(rechunk(size), cut(data, inputSize));
        assert.ok(Buffer.concat(chunks).equals(data));
        assert.ok(chunks.slice(0, -1).every((chunk) => chunk.length === size));
        assert.ok((chunks.at(-1)?.length ?? 0) <= size);
      }
    }
  });

  it('gives nothing for nothing', async () => {
    assert.deepEqual(await through(rechunk(10), []), []);
    assert.deepEqual(await through(rechunk(10), [new Uint8Array(0)]), []);
  });

  it('gives chunks that do not change when its input is used again', async () => {
    const input = new Uint8Array(10).fill(1);
    const stage = rechunk(5);
    const writer = stage.writable.getWriter();
    const written = writer.write(input);
    const reader = stage.readable.getReader();
    const { value } = await reader.read();
    await written;
    input.fill(2);
    assert.deepEqual([...(value ?? [])], [1, 1, 1, 1, 1]);
  });

  it('needs a positive size', () => {
    for (const size of [0, -1, 1.5, Number.NaN]) assert.throws(() => rechunk(size), TypeError);
  });
});
