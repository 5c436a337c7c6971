import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseDagHash } from '../../../src/spec/dag-hash.js';
import { prefixLockOffset, prefixLockRange } from '../../../src/store/locks/prefix-lock-range.js';

/** Made with the reference: `base32_prefix_bits(hash, 63)`. */
const SPACK_OFFSETS: readonly (readonly [hash: string, offset: bigint])[] = [
  ['pfklmlvcv7eqwcwfirdmojhv4pmq4na7', 4371406544023577733n],
  ['3bmgbi5wpqvh6p3zlyxvcwzxsa4xdpoh', 7794658183200249151n],
  ['aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 0n],
  ['77777777777777777777777777777777', 9223372036854775807n],
  ['rj7medhh6qhqbntf32f45rfontzkobci', 4989813592493262720n],
];

const hashes = fc.stringMatching(/^[a-z2-7]{32}$/).map(parseDagHash);

test('prefixLockOffset is the byte that Spack locks', () => {
  for (const [hash, offset] of SPACK_OFFSETS) assert.equal(prefixLockOffset(parseDagHash(hash)), offset);
});

test('prefixLockRange covers the byte, exactly in doubles, below 2^63', () => {
  const special = ['a', '7', 'q', 'aaaaaaaaaaaa'].map((start) => start.padEnd(32, start.charAt(0)));
  const edges = ['a'.repeat(32), '7'.repeat(32), ...special, `${'a'.repeat(11)}b${'7'.repeat(20)}`].map(
    parseDagHash,
  );
  fc.assert(
    fc.property(fc.oneof(hashes, fc.constantFrom(...edges)), (hash) => {
      const { offset, length } = prefixLockRange(hash);
      const byte = prefixLockOffset(hash);
      assert.ok(byte >= 0n && byte < 1n << 63n);
      const end = length === 0 ? 1n << 63n : BigInt(offset) + BigInt(length);
      assert.ok(BigInt(offset) <= byte && byte < end);
      assert.ok(end <= 1n << 63n);
      assert.ok(end - BigInt(offset) <= 1024n);
      if (length !== 0) assert.equal(BigInt(offset + length), end);
    }),
    { seed: 7, numRuns: 500, examples: edges.map((hash) => [hash]) },
  );
});
