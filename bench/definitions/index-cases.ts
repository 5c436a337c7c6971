// Package indexes: the cost of creating one, of using it for the first time and again, and of looking things up.
import type { BenchCase } from '../case.js';
import { indexStepContender, JSON_PARSE, jsonReader, PYTHON_JSON } from '../contenders/index-steps.js';

function indexCase(name: string, packages: number): BenchCase {
  return {
    name,
    group: 'end-to-end',
    why: 'a large public build cache has tens of thousands of packages, and every command begins with its index',
    input: { type: 'index', packages },
    place: 'disk',
    contenders: [
      jsonReader(JSON_PARSE),
      jsonReader(PYTHON_JSON),
      ...['index', 'first use', 'next use', 'lookups', 'query by name', 'list everything'].map(
        indexStepContender,
      ),
    ],
    baseline: JSON_PARSE.name,
    control: 'first use',
    metric: 'wall',
    mostRounds: 2,
  };
}

export const INDEX_CASES: readonly BenchCase[] = [
  indexCase('index of 20,000 packages', 20_000),
  indexCase('index of 100,000 packages', 100_000),
  { ...indexCase('index of 2,000 packages', 2000), runs: 'quick', mostRounds: 1 },
];
