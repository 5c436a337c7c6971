// A whole run on a made-up case: what it records, when it fails, what it leaves behind, and how it goes on.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { BenchRun, type BenchRunOptions } from '../../bench/bench-run.js';
import type { BenchCase, Contender } from '../../bench/case.js';
import { parseOptions } from '../../bench/options.js';
import { type BenchRecord, problemsOf, readRecord } from '../../bench/record.js';
import { newRecordPath, writeRecord } from '../../bench/record-file.js';
import { htmlReport } from '../../bench/report/html.js';

const folder = mkdtempSync(join(tmpdir(), 'regraft-bench-run-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** Says that its result is what it is told to say. */
function saying(name: string, digest: string): Contender {
  return {
    name,
    open: async () => ({
      async run({ folder: own }) {
        writeFileSync(join(own, 'output'), digest);
        return { sample: { wall: 1, cpu: 1 }, verify: () => ({ kind: 'results', digest }) };
      },
    }),
  };
}

function caseOf(name: string, contenders: readonly Contender[], more: Partial<BenchCase> = {}): BenchCase {
  return {
    name,
    group: 'kernel',
    why: 'because it must be somewhere',
    input: { type: 'bytes', name, make: () => ({ bytes: Buffer.alloc(1), mapping: [] }) },
    contenders,
    baseline: contenders[0]?.name ?? '',
    metric: 'wall',
    ...more,
  };
}

async function run(cases: readonly BenchCase[], more: Partial<BenchRunOptions> = {}) {
  const records: BenchRecord[] = [];
  const args = ['--rounds', '1'];
  const bench = new BenchRun({
    options: parseOptions(args),
    args,
    cases,
    environment: {},
    onProgress: () => {},
    onRecord: (record) => records.push(record),
    ...more,
  });
  try {
    return { record: await bench.run(), records };
  } finally {
    bench.clean();
  }
}

const good = caseOf('good', [saying('a', 'right'), saying('b', 'right')]);

describe('BenchRun', () => {
  it('fails when a contender differs from the others', async () => {
    const { record } = await run([caseOf('case', [saying('a', 'right'), saying('b', 'wrong')])]);
    assert.deepEqual(problemsOf(record), [
      'case: b: Wrong result: its results are wrong, those of "a" right',
    ]);
    assert.match(htmlReport(record), /This run has failed/);
  });

  it('fails when all agree on something else than the case expects', async () => {
    const contenders = [saying('a', 'wrong'), saying('b', 'wrong')];
    const { record } = await run([caseOf('case', contenders, { expected: { results: 'right' } })]);
    assert.match(problemsOf(record)[0] ?? '', /^case: a: .*those of the case right$/);
    assert.equal(problemsOf(record).length, 3);
  });

  it('fails when all agree on something else than the input expects', async () => {
    const make = () => ({ bytes: Buffer.alloc(1), mapping: [], expected: { results: 'right' } });
    const contenders = [saying('a', 'wrong')];
    const { record } = await run([caseOf('case', contenders, { input: { type: 'bytes', name: 'x', make } })]);
    assert.match(problemsOf(record)[0] ?? '', /those of the input right$/);
  });

  it('tells of the record after each case, with what remains', async () => {
    const { records } = await run([good, { ...good, name: 'second' }]);
    assert.deepEqual(
      records.map(({ cases, remaining }) => [cases.map(({ name }) => name), remaining]),
      [
        [[], ['good', 'second']],
        [['good'], ['second']],
        [['good', 'second'], undefined],
      ],
    );
  });

  it('goes on with an earlier record: runs what is missing and what failed', async () => {
    const bad = caseOf('bad', [saying('a', 'right'), saying('b', 'wrong')]);
    const { record: earlier } = await run([good, bad]);
    const again = { ...good, contenders: [saying('a', 'other')] };
    const { record } = await run([again, { ...bad, contenders: good.contenders }], { earlier });
    assert.deepEqual(problemsOf(record), []);
    assert.deepEqual(
      record.cases.map(({ name, contenders }) => [name, contenders.length]),
      [
        ['good', 3],
        ['bad', 3],
      ],
    );
    assert.equal(record.date, earlier.date);
  });

  it('does not go on with a record of another machine', async () => {
    const { record: earlier } = await run([good]);
    const elsewhere = { ...earlier, machine: { ...earlier.machine, name: 'elsewhere' } };
    await assert.rejects(run([good], { earlier: elsewhere }), /from "elsewhere"/);
  });

  it('leaves nothing in memory and no inputs', async () => {
    const seen: string[] = [];
    const looking: Contender = {
      name: 'a',
      open: async ({ workFolder }) => ({
        async run({ folder: own }) {
          seen.push(own, workFolder);
          return { sample: { wall: 1 }, verify: () => ({ kind: 'results', digest: '' }) };
        },
      }),
    };
    await run([caseOf('case', [looking])], {
      options: { ...parseOptions(['--rounds', '1']), isQuick: true },
    });
    assert.equal(seen.length, 8);
    for (const each of seen) assert.equal(existsSync(each), false, each);
  });
});

describe('writeRecord', () => {
  it('writes the record, the summary and the page, and gives a second record of a day another name', async () => {
    const { record } = await run([good]);
    const out = join(folder, 'record');
    const path = newRecordPath(record, out);
    writeRecord(record, path);
    assert.deepEqual(readRecord(`${path}.json`), record);
    assert.match(readFileSync(`${path}.html`, 'utf8'), /^<!doctype html>/);
    assert.equal(newRecordPath(record, out), `${path}-2`);
    assert.equal(readdirSync(out).length, 3);
  });
});
