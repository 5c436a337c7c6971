// Damaged ELF and Mach-O files of every kind through the patchers of all engines: a short form of `npm run fuzz:binaries`.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Engines, fuzzCase, fuzzSpecimens } from '../helpers/binary-fuzz.js';
import { ENGINES } from './engines.js';

describe('damaged binaries', () => {
  it('come to the same in every engine: edits within bounds, or a coded error', () => {
    const [reference, ...others] = ENGINES;
    assert.ok(reference);
    const engines: Engines = [reference, ...others];
    const specimens = fuzzSpecimens();
    const seen = new Set<string>();
    for (let index = 0; index < 2500; index++) seen.add(fuzzCase(engines, specimens, { seed: 6, index }));
    for (const kind of ['ELF, grown', 'ELF, edited', 'ELF, unchanged', 'Mach-O, patch edited'])
      assert.ok(seen.has(kind), kind);
    assert.ok(!seen.has('Mach-O, patch grown'));
  });
});
