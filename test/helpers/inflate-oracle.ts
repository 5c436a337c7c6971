// Runs a raw decoder and zlib on the same bytes and compares: same output and same end, or both refuse.
import assert from 'node:assert/strict';
import { type InflateRaw, inflateRawSync } from 'node:zlib';
import { IntegrityError } from '../../src/core/errors.js';
import type { Inflater } from '../../src/stream/inflate/inflater.js';

export interface Inflated {
  /** 'truncated': the input ended before the stream. */
  readonly status: 'ended' | 'truncated' | 'invalid';
  readonly output: Uint8Array;
  /** Bytes of the input that belong to the stream, when it ended. */
  readonly consumed: number;
}

export interface ZlibResult {
  readonly output: Uint8Array;
  readonly consumed: number;
}

/** Decodes `input` cut into pieces of these sizes, the last one again and again. */
export function inflateInPieces(inflater: Inflater, input: Uint8Array, sizes: readonly number[]): Inflated {
  const parts: Uint8Array[] = [];
  inflater.reset();
  let offset = 0;
  try {
    for (let i = 0; offset < input.length; i++) {
      const size = sizes[Math.min(i, sizes.length - 1)] as number;
      // A copy of its own size, so that reading beyond it is no accident that works.
      const piece = Uint8Array.from(input.subarray(offset, offset + size));
      inflater.push(piece);
      offset += piece.length;
      for (let output = inflater.pull(); output.length > 0; output = inflater.pull()) {
        assert.ok(output.length <= 512 * 1024, 'a pull gives at most 512 KiB');
        parts.push(output.slice());
      }
      if (inflater.ended) break;
      assert.equal(inflater.unusedInput, 0, 'all input is used before more is wanted');
    }
  } catch (error) {
    if (!(error instanceof IntegrityError) || error.code !== 'deflate-invalid') throw error;
    return { status: 'invalid', output: Buffer.concat(parts), consumed: 0 };
  }
  const status = inflater.ended ? 'ended' : 'truncated';
  const consumed = inflater.ended ? offset - inflater.unusedInput : 0;
  return { status, output: Buffer.concat(parts), consumed };
}

/** What zlib makes of it; undefined where it refuses. */
export function inflateWithZlib(input: Uint8Array): ZlibResult | undefined {
  if (input.length === 0) return undefined;
  try {
    // With `info`, which the type declarations leave out, the engine is returned as well and knows what it consumed.
    const options = { info: true } as object;
    const result = inflateRawSync(input, options) as unknown as { buffer: Uint8Array; engine: InflateRaw };
    return { output: result.buffer, consumed: result.engine.bytesWritten };
  } catch {
    return undefined;
  }
}

/** Fails where the decoder and zlib do not agree. */
export function assertLikeZlib(
  inflater: Inflater,
  input: Uint8Array,
  sizes: readonly number[],
  expected: ZlibResult | undefined = inflateWithZlib(input),
): Inflated {
  const actual = inflateInPieces(inflater, input, sizes);
  if (expected === undefined) {
    assert.notEqual(actual.status, 'ended', 'zlib refuses it');
  } else {
    assert.equal(actual.status, 'ended', 'zlib accepts it');
    assert.ok(Buffer.compare(actual.output, expected.output) === 0, 'the output is that of zlib');
    assert.equal(actual.consumed, expected.consumed, 'the stream ends where zlib says');
  }
  return actual;
}
