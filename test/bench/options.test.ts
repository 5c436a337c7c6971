// Flags, the cases that they select, and that every case is sound.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ALL_CASES } from '../../bench/definitions/all.js';
import { GOALS } from '../../bench/goals.js';
import { parseOptions, selectCases } from '../../bench/options.js';

const namesOf = (...args: string[]) => selectCases(ALL_CASES, parseOptions(args)).map(({ name }) => name);

describe('parseOptions', () => {
  it('takes fewer rounds for a quick look', () => {
    assert.equal(parseOptions([]).rounds, 7);
    assert.equal(parseOptions(['--quick']).rounds, 2);
    assert.equal(parseOptions(['--quick', '--rounds', '7']).rounds, 7);
  });

  it('refuses what it does not know', () => {
    const wrong = [
      ['--group', 'none'],
      ['--rounds', '0'],
      ['--rounds', 'x'],
      ['extra'],
      ['--compare', 'one'],
      ['--what'],
    ];
    for (const args of wrong) assert.throws(() => parseOptions(args), TypeError, args.join(' '));
  });

  it('takes two records to compare', () => {
    assert.deepEqual(parseOptions(['--compare', 'a', 'b']).compare, ['a', 'b']);
  });
});

describe('selectCases', () => {
  it('selects by group', () => {
    const groups = new Set(
      selectCases(ALL_CASES, parseOptions(['--group', 'memory'])).map(({ group }) => group),
    );
    assert.deepEqual([...groups], ['memory']);
  });

  it('finds by part of a name, whichever run the case belongs to', () => {
    assert.deepEqual(namesOf('--case', 'install a stack of 10'), ['install a stack of 10 packages']);
    assert.deepEqual(namesOf('--case', 'install a stack of 60'), ['install a stack of 60 packages']);
  });

  it('leaves out contenders, but never the baseline and the control', () => {
    const options = parseOptions(['--case', 'install a stack of 60', '--contender', 'native']);
    const names = selectCases(ALL_CASES, options)[0]?.contenders.map(({ name }) => name);
    const native = ['no worker', '2 workers'].map((workers) => `regraft native, ${workers}`);
    assert.deepEqual(names, ['Spack', ...native, 'regraft wasm, 2 workers']);
  });

  it('leaves the large inputs out of the quick run', () => {
    const quick = namesOf('--quick');
    assert.ok(quick.includes('install a tenth of it, in memory'));
    assert.ok(!quick.includes('install one big package, in memory'));
  });
});

describe('cases', () => {
  it('have names of their own, and a reason', () => {
    assert.equal(new Set(ALL_CASES.map(({ name }) => name)).size, ALL_CASES.length);
    for (const { name, why } of ALL_CASES) assert.ok(why.length > 20, name);
  });

  it('have contenders with names of their own, among them the baseline and the control', () => {
    for (const { name, contenders, baseline, control = baseline } of ALL_CASES) {
      const names = contenders.map((each) => each.name);
      assert.equal(new Set(names).size, names.length, name);
      assert.ok(names.includes(baseline), `${name}: ${baseline}`);
      assert.ok(names.includes(control), `${name}: ${control}`);
    }
  });

  it('have what the goals are about', () => {
    for (const { what, bench, contender, against } of GOALS) {
      const found = ALL_CASES.find(({ name }) => name === bench);
      const names = found?.contenders.map(({ name }) => name) ?? [];
      assert.ok(names.includes(contender), `${what}: ${bench}: ${contender}`);
      if (against !== undefined) assert.ok(names.includes(against), `${what}: ${bench}: ${against}`);
    }
  });
});
