// What a patcher did to a file, in a form that engines can be compared by: the bytes that its edits lead to, or its error with all facts.
import assert from 'node:assert/strict';
import { applyEdits, type Edit, sizeAfterEdits } from '../../src/core/byte-source.js';
import { RelocationError } from '../../src/core/errors.js';

export interface Refusal {
  readonly code: string;
  readonly message: string;
  readonly hint: string | undefined;
  readonly data: Readonly<Record<string, unknown>>;
}

export interface Change {
  /** The size of the new file. */
  readonly size: number;
  readonly isEdited: boolean;
  readonly bytes: Buffer;
  /** Of a file with a large hole, what stands behind the hole. */
  readonly tail: Buffer;
}

export type Outcome = Change | Refusal;

/** A file grows by its new strings, and a hole of at most 64 MiB. */
const LONGEST_GROWTH = 96 << 20;

/** Holes beyond this are not filled in memory. */
const LARGEST_RESULT = 4 << 20;

/** Runs a patcher; an error that is not a `RelocationError` fails the test. */
export function outcomeOf(bytes: Uint8Array, patch: () => readonly Edit[]): Outcome {
  let edits: readonly Edit[];
  try {
    edits = patch();
  } catch (error) {
    return refusalOf(error);
  }
  for (const { offset } of edits) assert.ok(Number.isSafeInteger(offset) && offset >= 0, `edit at ${offset}`);
  const size = sizeAfterEdits(bytes.length, edits);
  assert.ok(size <= bytes.length + LONGEST_GROWTH, `the file would have ${size} bytes`);
  const isSmall = size <= bytes.length + LARGEST_RESULT;
  const inside = isSmall ? edits : edits.filter((edit) => edit.offset + edit.bytes.length <= bytes.length);
  const behind = edits.filter((edit) => !inside.includes(edit));
  return {
    size,
    isEdited: edits.length > 0,
    bytes: Buffer.from(applyEdits(new Uint8Array(bytes), inside)),
    tail: Buffer.concat(behind.flatMap((edit) => [Buffer.from(`${edit.offset}:`), Buffer.from(edit.bytes)])),
  };
}

export function refusalOf(error: unknown): Refusal {
  assert.ok(error instanceof RelocationError, String(error instanceof Error ? error.stack : error));
  assert.notEqual(error.code, 'engine-failed', error.message);
  return { code: error.code, message: error.message, hint: error.hint, data: error.data };
}

/** Fails where two outcomes differ, naming the first byte that does. */
export function assertSameOutcome(actual: Outcome, expected: Outcome, what: string): void {
  if ('code' in actual || 'code' in expected) {
    assert.deepEqual(actual, expected, what);
    return;
  }
  const at = actual.bytes.equals(expected.bytes)
    ? -1
    : actual.bytes.findIndex((byte, i) => byte !== expected.bytes[i]);
  assert.deepEqual(
    { size: actual.size, isEdited: actual.isEdited, firstDifference: at, tail: actual.tail },
    { size: expected.size, isEdited: expected.isEdited, firstDifference: -1, tail: expected.tail },
    what,
  );
}
