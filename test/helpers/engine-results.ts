// The same question to every engine that runs here: they must give the same bytes, or refuse with the same code.
import assert from 'node:assert/strict';
import { applyEdits, type Edit, sourceOfBytes } from '../../src/core/byte-source.js';
import { RelocationError } from '../../src/core/errors.js';
import type { PrefixMapping, RelocationEngine } from '../../src/relocation/engine.js';

/** What an engine makes of a file: its new bytes, or the error that refuses it. */
export type Outcome =
  | { readonly bytes: Buffer; readonly edits: number }
  | { readonly error: RelocationError };

/** Runs a kernel over bytes, which stay as they are. */
export function outcomeOf(bytes: Uint8Array, patch: () => readonly Edit[]): Outcome {
  try {
    const edits = patch();
    return { bytes: Buffer.from(applyEdits(new Uint8Array(bytes), edits)), edits: edits.length };
  } catch (error) {
    if (error instanceof RelocationError) return { error };
    throw error;
  }
}

export interface ElfQuestion {
  readonly bytes: Uint8Array;
  readonly mapping: PrefixMapping;
  readonly rewriteInterpreter: boolean;
}

/** What all engines make of an ELF file; the first of them is the reference. */
export function patchElfEverywhere(
  engines: readonly RelocationEngine[],
  { bytes, mapping, rewriteInterpreter }: ElfQuestion,
): Outcome {
  const outcomes = engines.map((engine) => {
    const patcher = engine.createElfPatcher(mapping, { rewriteInterpreter });
    return outcomeOf(bytes, () => patcher.patch(sourceOfBytes(bytes)));
  });
  return sameOutcome(engines, outcomes);
}

/** The outcome of all engines. */
export function sameOutcome(engines: readonly RelocationEngine[], outcomes: readonly Outcome[]): Outcome {
  const [reference, ...others] = outcomes;
  assert.ok(reference);
  others.forEach((outcome, i) => {
    const names = `${engines[0]?.name} and ${engines[i + 1]?.name}`;
    if ('error' in reference || 'error' in outcome) {
      assert.equal(codeOf(outcome), codeOf(reference), `${names} refuse the same`);
    } else assert.ok(outcome.bytes.equals(reference.bytes), `${names} give the same bytes`);
  });
  return reference;
}

function codeOf(outcome: Outcome): string {
  return 'error' in outcome ? outcome.error.code : 'no error';
}
