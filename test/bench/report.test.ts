// Goals, tables, comparisons and pages of made-up records.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compareRecords, ratioChanges } from '../../bench/compare.js';
import { evaluateGoals, type Goal } from '../../bench/goals.js';
import { problemsOf } from '../../bench/record.js';
import { caseTable } from '../../bench/report/case-table.js';
import { htmlReport } from '../../bench/report/html.js';
import { markdownReport } from '../../bench/report/markdown.js';
import { AGAIN } from '../../bench/runner.js';
import { benchRecord, caseRecord, contenderRecord } from '../helpers/bench-record.js';

const goal: Goal = {
  what: 'wall against tar',
  bench: 'install',
  contender: 'regraft',
  against: 'tar',
  measure: 'wall',
  limit: 0.6,
  stretch: 0.5,
};

describe('caseTable', () => {
  it('gives ratios against the baseline, round by round', () => {
    const { rows } = caseTable(caseRecord());
    assert.deepEqual(
      rows.map(({ name, ratio }) => [name, ratio?.median]),
      [
        ['tar', 1],
        ['regraft', 0.5],
        ['tar (again)', 1.01],
      ],
    );
    assert.equal(rows[0]?.isBaseline, true);
  });

  it('takes the noise from the control that ran twice', () => {
    assert.equal(caseTable(caseRecord()).isNoisy, false);
    const noisy = [contenderRecord('tar', [100, 100]), contenderRecord('tar (again)', [130, 130])];
    const { noise, isNoisy } = caseTable(caseRecord({ contenders: noisy }));
    assert.equal(isNoisy, true);
    assert.ok(Math.abs((noise ?? 0) - 0.3) < 1e-9);
  });

  it('gives no numbers of who failed or is missing, but says so', () => {
    const failed = contenderRecord('regraft', [1], { problem: 'Wrong result' });
    const missing = contenderRecord('igzip', [], { missing: 'igzip is not installed' });
    const { rows } = caseTable(caseRecord({ contenders: [contenderRecord('tar', [2]), failed, missing] }));
    assert.deepEqual(
      rows.map(({ ratio, remark }) => [ratio?.median, remark]),
      [
        [1, undefined],
        [undefined, 'FAILED: Wrong result'],
        [undefined, 'missing: igzip is not installed'],
      ],
    );
  });

  it('compares by the metric of the case, and states the medians of own numbers', () => {
    const contenders = [
      contenderRecord('tar', [2], { samples: [{ wall: 2, cpu: 1, peak: 100 }] }),
      contenderRecord('regraft', [2], {
        samples: [{ wall: 9, cpu: 9, peak: 50 }],
        facts: [{ lookups: 3 }, { lookups: 5 }],
      }),
    ];
    const { rows, noise } = caseTable(caseRecord({ metric: 'peak', contenders }));
    assert.equal(rows[1]?.ratio?.median, 0.5);
    assert.deepEqual(rows[1]?.facts, { lookups: 4 });
    assert.equal(noise, undefined);
  });
});

describe('evaluateGoals', () => {
  const evaluate = (given: Partial<Goal>) =>
    evaluateGoals(benchRecord([caseRecord()]), [{ ...goal, ...given }])[0];

  it('says what is met, and what reaches the stretch', () => {
    assert.deepEqual([evaluate({})?.verdict, evaluate({})?.reachesStretch], ['met', true]);
    assert.equal(evaluate({ stretch: 0.4 })?.reachesStretch, false);
    assert.deepEqual([evaluate({ limit: 0.4 })?.verdict, evaluate({ limit: 0.4 })?.value], ['missed', 0.5]);
  });

  it('says what was not measured: no such case, no such contender, one that failed', () => {
    assert.equal(evaluate({ bench: 'another' })?.verdict, 'not measured');
    assert.equal(evaluate({ contender: 'another' })?.verdict, 'not measured');
    const failed = caseRecord({
      contenders: [contenderRecord('tar', [1]), contenderRecord('regraft', [1], { problem: 'wrong' })],
    });
    assert.equal(evaluateGoals(benchRecord([failed]), [goal])[0]?.verdict, 'not measured');
  });

  it('takes a value by itself, per unit', () => {
    const { against, ...alone } = goal;
    const [result] = evaluateGoals(benchRecord([caseRecord()]), [
      { ...alone, per: 10, unit: 'ms', limit: 5 },
    ]);
    assert.equal(against, 'tar');
    assert.deepEqual([result?.value, result?.verdict], [5, 'met']);
  });

  it('has goals whose names are unique', () => {
    const names = evaluateGoals(benchRecord([])).map(({ goal: { what } }) => what);
    assert.equal(new Set(names).size, names.length);
  });
});

describe('compareRecords', () => {
  const slower = caseRecord({
    contenders: [
      contenderRecord('tar', [100]),
      contenderRecord('regraft', [60]),
      contenderRecord('igzip', [40]),
    ],
  });

  it('names ratios that are further apart than a tenth, of contenders that both have', () => {
    const changes = ratioChanges(benchRecord([caseRecord()]), benchRecord([slower]));
    assert.deepEqual(
      changes.map(({ contender, agrees }) => [contender, agrees]),
      [['regraft', false]],
    );
    assert.match(
      compareRecords(benchRecord([caseRecord()]), benchRecord([slower])),
      /\+20\.0 %\s+install: regraft: 0\.50 -> 0\.60/,
    );
  });

  it('says which of them are in noisy cases', () => {
    const noisy = caseRecord({
      contenders: [...slower.contenders, contenderRecord(`${slower.control}${AGAIN}`, [130])],
    });
    const text = compareRecords(benchRecord([caseRecord()]), benchRecord([noisy]));
    assert.match(text, /2 further apart than 10\.0 %, 2 of them in noisy cases/);
    assert.match(text, /0\.50 -> 0\.60 \(noisy\)/);
  });

  it('agrees with itself', () => {
    const record = benchRecord([caseRecord()]);
    assert.ok(ratioChanges(record, record).every(({ agrees }) => agrees));
    assert.match(compareRecords(record, record), /0 further apart/);
  });

  it('does not compare with another baseline', () => {
    assert.deepEqual(
      ratioChanges(benchRecord([caseRecord()]), benchRecord([caseRecord({ baseline: 'regraft' })])),
      [],
    );
  });
});

describe('problemsOf', () => {
  it('lists what went wrong', () => {
    const failed = caseRecord({ contenders: [contenderRecord('regraft', [], { problem: 'Wrong result' })] });
    assert.deepEqual(problemsOf(benchRecord([caseRecord(), failed])), ['install: regraft: Wrong result']);
  });
});

const hostile = caseRecord({
  name: '<script>alert("x")</script> | pipe',
  why: 'a & b',
  contenders: [
    contenderRecord('tar', [100]),
    contenderRecord('igzip -dc | tar x', [], { missing: 'igzip is <not> installed' }),
  ],
});

describe('markdownReport', () => {
  it('states goals, ratios, the control and who is missing', () => {
    const text = markdownReport(benchRecord([caseRecord(), hostile]));
    assert.match(text, /\| regraft \| 0\.50 ± 0\.0 % \| 50 ms ± 5\.0 % \|/);
    assert.match(text, /A\/A control \(tar twice\): 1\.0 %, of its CPU time 1\.0 %\./);
    assert.match(text, /\| igzip -dc \\\| tar x \|.*missing: igzip is <not> installed \|/);
    assert.match(text, /Not measured in this run: \d+ of \d+ goals/);
  });

  it('marks every ratio of a noisy case', () => {
    const contenders = [
      contenderRecord('tar', [100]),
      contenderRecord('regraft', [50]),
      contenderRecord('tar (again)', [120]),
    ];
    const text = markdownReport(benchRecord([caseRecord({ contenders })]));
    assert.match(text, /noisy, ratios are marked with ~/);
    assert.match(text, /\| regraft \| ~0\.50 \| 50 ms \| 25 ms \| ~0\.50 \|/);
  });
});

describe('htmlReport', () => {
  const curve = [1, 2].map((x) =>
    caseRecord({ name: `over bytes: ${x}`, group: 'scaling', series: { name: 'bytes', unit: 'MB', x } }),
  );
  const page = htmlReport(benchRecord([caseRecord(), hostile, ...curve]));

  it('is one page that loads nothing and runs nothing', () => {
    assert.doesNotMatch(page, /(?:src|href|url\()\s*=?\s*["']?(?:https?:|\/\/)/);
    assert.doesNotMatch(page, /<(?:script|link|img|iframe)\b/);
  });

  it('writes names as text', () => {
    assert.ok(page.includes('&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; | pipe'));
    assert.ok(page.includes('a &amp; b'));
  });

  it('draws a chart for each case that has ratios, and one line per contender of a curve', () => {
    assert.equal(page.match(/<svg class="bars"/g)?.length, 2);
    assert.equal(page.match(/<svg class="lines"/g)?.length, 1);
    assert.equal(page.match(/class="line c0"/g)?.length, 1);
    assert.equal(page.match(/class="key c1"/g)?.length, 1);
  });

  it('knows light and dark, and the width of the device', () => {
    assert.match(page, /prefers-color-scheme: dark/);
    assert.match(page, /name="viewport" content="width=device-width/);
  });

  it('says at the top that the run has failed', () => {
    const failed = caseRecord({ contenders: [contenderRecord('tar', [1], { problem: 'Wrong result: 7' })] });
    assert.match(htmlReport(benchRecord([failed])), /This run has failed.*Wrong result: 7/s);
  });

  it('can be written of nothing', () => {
    assert.match(htmlReport(benchRecord([])), /<\/html>/);
  });
});
