import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import { concatBytes } from '../../../src/core/bytes.js';
import type { WrittenContent } from '../../../src/stream/content-sink.js';
import {
  type BlockCompressor,
  createBlockCompressor,
  ThreadPoolCompressor,
  WorkerCompressor,
} from '../../../src/stream/gzip/block-compressor.js';
import { BlockPool } from '../../../src/stream/gzip/block-pool.js';
import { GunzipDecoder } from '../../../src/stream/gzip/gunzip.js';
import { GzipBlocks } from '../../../src/stream/gzip/gzip-blocks.js';
import { JsInflater } from '../../../src/stream/inflate/js-inflater.js';
import { SeededRandom } from '../../helpers/seeded-random.js';

const BLOCK = 5000;

interface Run {
  readonly compressor?: BlockCompressor;
  readonly blockLength?: number;
  readonly blocks?: number;
  /** How the content is cut when it is written. */
  readonly piece?: number;
}

async function gzip(
  content: Uint8Array,
  run: Run = {},
): Promise<{ bytes: Uint8Array; result: WrittenContent }> {
  const { blockLength = BLOCK, blocks = 3, piece = content.length || 1 } = run;
  const compressor = run.compressor ?? new ThreadPoolCompressor(6, 2);
  const parts: Uint8Array[] = [];
  const output = new GzipBlocks({
    compressor,
    pool: new BlockPool(blocks, blockLength),
    onOutput: async (bytes) => {
      parts.push(bytes.slice());
    },
  });
  for (let at = 0; at < content.length; at += piece) await output.write(content.subarray(at, at + piece));
  const result = await output.finish();
  return { bytes: concatBytes(parts), result };
}

/** Text that compresses, with noise that does not. */
function sample(length: number, seed = 1): Uint8Array {
  const random = new SeededRandom(seed);
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = random.below(3) === 0 ? random.below(256) : 65 + (i % 7);
  return bytes;
}

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

test('GzipBlocks writes one member that holds the content, and tells both digests', async () => {
  for (const length of [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK, 10 * BLOCK + 17]) {
    const content = sample(length);
    const { bytes, result } = await gzip(content);
    assert.deepEqual([...bytes.subarray(0, 10)], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]);
    assert.ok(gunzipSync(bytes).equals(content), `${length} bytes`);
    assert.deepEqual(result, {
      sha256: sha256(bytes),
      size: bytes.length,
      contentSha256: sha256(content),
      contentSize: length,
    });
    const parts: Uint8Array[] = [];
    const decoder = new GunzipDecoder({
      inflater: new JsInflater(),
      onOutput: (part) => parts.push(part.slice()),
    });
    decoder.push(bytes);
    decoder.finish();
    assert.equal(decoder.segmentCount, 1);
    assert.equal(decoder.ignoredBytes, 0);
    assert.deepEqual(concatBytes(parts), content);
  }
});

test('GzipBlocks gives the same bytes for any number of cores, threads or workers, and any cut', async (context) => {
  const content = sample(23 * BLOCK + 1);
  const workers = new WorkerCompressor(6, 3);
  const oneWorker = new WorkerCompressor(6, 1);
  context.after(() => Promise.all([workers.close(), oneWorker.close()]));
  const { bytes } = await gzip(content);
  const runs: readonly Run[] = [
    { compressor: new ThreadPoolCompressor(6, 1), blocks: 1 },
    { compressor: new ThreadPoolCompressor(6, 4), blocks: 9, piece: 1 },
    { compressor: new ThreadPoolCompressor(6, 64), blocks: 40, piece: 511 },
    { compressor: workers, blocks: 6, piece: BLOCK },
    { compressor: workers, blocks: 2, piece: 4 * BLOCK + 3 },
    { compressor: oneWorker, blocks: 4 },
  ];
  for (const run of runs) assert.deepEqual((await gzip(content, run)).bytes, bytes);
});

test('GzipBlocks keeps the order whoever is done first', async () => {
  const threads = new ThreadPoolCompressor(6, 4);
  const waiting: (() => void)[] = [];
  // Answers in pairs, the later one first.
  const swapping: BlockCompressor = {
    parallelism: 4,
    close: async () => {},
    compress: async (block) => {
      const result = await threads.compress(block);
      if (!block.isLast) {
        await new Promise<void>((resolve) => {
          waiting.push(resolve);
          if (waiting.length === 2) for (const wake of waiting.splice(0).reverse()) setImmediate(wake);
        });
      }
      return result;
    },
  };
  const content = sample(8 * BLOCK + 5);
  const { bytes } = await gzip(content, { compressor: swapping, blocks: 4 });
  assert.deepEqual(bytes, (await gzip(content)).bytes);
});

test('GzipBlocks works with every level, and gives smaller output for higher ones', async () => {
  const content = sample(20 * BLOCK);
  const sizes: number[] = [];
  for (const level of [1, 6, 9]) {
    const compressor = createBlockCompressor({ level, parallelism: 2 });
    const { bytes } = await gzip(content, { compressor });
    assert.ok(gunzipSync(bytes).equals(content));
    sizes.push(bytes.length);
  }
  assert.ok((sizes[0] ?? 0) >= (sizes[1] ?? 0) && (sizes[1] ?? 0) >= (sizes[2] ?? 0), sizes.join());
  for (const level of [0, 10, 1.5]) assert.throws(() => createBlockCompressor({ level }), TypeError);
});

test('createBlockCompressor uses workers where Node has too few threads', async () => {
  const many = createBlockCompressor({ parallelism: 7 });
  assert.ok(many instanceof WorkerCompressor && many.parallelism === 7);
  assert.ok(createBlockCompressor({ parallelism: 4 }) instanceof ThreadPoolCompressor);
  await many.close();
  await assert.rejects(many.compress({ memory: new ArrayBuffer(1), length: 1, isLast: true }), TypeError);
});

test('blocks of 1 MiB cost less than 2.5 % of size', async () => {
  const content = sample(3 << 20);
  const { bytes } = await gzip(content, { blockLength: 1 << 20 });
  const { bytes: whole } = await gzip(content, { blockLength: 4 << 20 });
  assert.ok(bytes.length <= whole.length * 1.025, `${bytes.length} against ${whole.length}`);
});

test('a failure of the output ends in its error, and gives the memory back', async () => {
  const pool = new BlockPool(2, BLOCK);
  const failure = new Error('no room');
  const output = new GzipBlocks({
    compressor: new ThreadPoolCompressor(6, 1),
    pool,
    onOutput: () => Promise.reject(failure),
  });
  await assert.rejects(
    async () => {
      await output.write(sample(20 * BLOCK));
      await output.finish();
    },
    (error) => error === failure,
  );
  await output.abandon();
  const taken = await Promise.all([pool.take(), pool.take()]);
  assert.equal(new Set(taken).size, 2);
});

test('a failure of the compressor ends in its error, and loses no place in the pool', async () => {
  const pool = new BlockPool(1, BLOCK);
  const failure = new Error('worker lost');
  const output = new GzipBlocks({
    compressor: { parallelism: 1, close: async () => {}, compress: () => Promise.reject(failure) },
    pool,
    onOutput: async () => {},
  });
  await output.write(sample(10));
  await assert.rejects(output.finish(), (error) => error === failure);
  await output.abandon();
  assert.equal((await pool.take()).byteLength, BLOCK);
});

test('what GzipBlocks writes can be decompressed, whatever the content', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: 700 }),
      fc.integer({ min: 1, max: 90 }),
      async (content, blockLength) => {
        const { bytes } = await gzip(content, { blockLength });
        assert.deepEqual(new Uint8Array(gunzipSync(bytes)), content);
      },
    ),
    { seed: 6, numRuns: 60 },
  );
});

for (const [command, parameters] of [
  ['gzip', ['-dc']],
  ['python3', ['-c', 'import gzip, sys; sys.stdout.buffer.write(gzip.decompress(sys.stdin.buffer.read()))']],
] as const) {
  const isThere = spawnSync(command, ['--version']).status === 0;
  test(`${command} reads what GzipBlocks writes`, {
    skip: !isThere && `there is no ${command}`,
  }, async () => {
    const content = sample(12 * BLOCK + 3);
    const { bytes } = await gzip(content);
    const { stdout, status } = spawnSync(command, parameters, { input: bytes, maxBuffer: 1 << 24 });
    assert.equal(status, 0);
    assert.ok(stdout.equals(content));
  });
}
