// The answers of the reference in spec-vectors.json (make-spec-vectors.py made them).

import type { JsonObject } from '../../src/spec/spec.js';
import { readJson } from './spec-samples.js';

interface RangeVectors {
  readonly versions: readonly string[];
  readonly ranges: readonly string[];
  readonly satisfied: readonly (readonly boolean[])[];
}

interface SpecVectors {
  readonly order: { readonly versions: readonly string[]; readonly signs: readonly (readonly number[])[] };
  readonly ranges: RangeVectors;
  readonly gitRanges: RangeVectors;
  readonly specfile: JsonObject;
  /** null: the reference refuses the text. */
  readonly constraints: Readonly<Record<string, boolean | null>>;
  readonly formats: Readonly<Record<string, string | null>>;
  readonly paths: Readonly<Record<string, string | null>>;
  readonly installOrder: readonly string[];
  readonly allNodes: readonly string[];
}

export const vectors = readJson('test/spec/spec-vectors.json') as unknown as SpecVectors;
