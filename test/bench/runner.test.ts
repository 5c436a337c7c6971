// The runner's bookkeeping: order of turns, folders, warm-up, wrong results, missing contenders.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import type { BenchCase, Contender, Missing, Runner, Turn } from '../../bench/case.js';
import type { CaseInput } from '../../bench/inputs/case-input.js';
import { AGAIN, type RunnerOptions, runCase } from '../../bench/runner.js';

const folder = mkdtempSync(join(tmpdir(), 'regraft-bench-runner-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const facts = { name: 'input', packages: 0, files: 0, compressedBytes: 1, unpackedBytes: 1 };
const input: CaseInput = { type: 'bytes', kernel: { bytes: Buffer.alloc(1), mapping: [] }, facts };

interface Log {
  readonly turns: string[];
  readonly folders: string[];
  readonly depths: string[];
  closed: number;
}

interface FakeOptions {
  readonly name: string;
  readonly log: Log;
  readonly digest?: (turn: Turn) => string;
  readonly kind?: string;
}

function fake({ name, log, digest = () => 'same', kind = 'results' }: FakeOptions): Contender {
  const runner: Runner = {
    async run(turn) {
      assert.deepEqual(readdirSync(turn.folder), []);
      log.turns.push(`${turn.round}${name}`);
      log.folders.push(turn.folder);
      const verify = (depth: 'thorough' | 'quick') => {
        log.depths.push(`${turn.round} ${depth}`);
        return { kind: `${kind} ${depth}`, digest: digest(turn) };
      };
      return { sample: { wall: 1 }, verify, facts: { lookups: turn.round } };
    },
    async close() {
      log.closed++;
    },
  };
  return { name, open: async () => runner };
}

function absent(name: string, answer: Missing): Contender {
  return { name, open: async () => answer };
}

function newLog(): Log {
  return { turns: [], folders: [], depths: [], closed: 0 };
}

let runs = 0;

function run(given: Partial<BenchCase> & Pick<BenchCase, 'contenders'>, more: Partial<RunnerOptions> = {}) {
  const own = join(folder, `${runs++}`);
  const bench: BenchCase = {
    name: 'case',
    group: 'kernel',
    why: 'because',
    input: { type: 'bytes', name: 'input', make: () => ({ bytes: Buffer.alloc(1), mapping: [] }) },
    baseline: 'a',
    metric: 'wall',
    ...given,
  };
  return runCase(bench, {
    rounds: 2,
    input,
    outputFolder: join(own, 'out'),
    workFolder: join(own, 'work'),
    removesAtOnce: true,
    environment: {},
    onProgress: () => {},
    ...more,
  });
}

describe('runCase', () => {
  it('gives every contender a turn in each round, and the control a second one at the end', async () => {
    const log = newLog();
    await run({ contenders: [fake({ name: 'a', log }), fake({ name: 'b', log })] });
    assert.deepEqual(log.turns, ['0a', '0b', '0a', '1a', '1b', '1a', '2a', '2b', '2a']);
  });

  it('goes backwards in every second round, so that no place is better than another', async () => {
    const log = newLog();
    await run({
      contenders: [fake({ name: 'a', log }), fake({ name: 'b', log }), fake({ name: 'c', log })],
      control: 'b',
    });
    assert.deepEqual(log.turns.slice(4), ['1a', '1b', '1c', '1b', '2b', '2c', '2b', '2a']);
  });

  it('repeats disturbed rounds, and keeps their samples apart', async () => {
    const log = newLog();
    const walls = [1, 100, 100, 100, 150, 100, 100, 100, 100];
    const uneven: Contender = {
      name: 'a',
      open: async () => ({
        async run(turn) {
          log.turns.push(`${turn.round}`);
          const verify = () => ({ kind: 'results', digest: 'same' });
          return { sample: { wall: walls[log.turns.length] ?? 100 }, verify };
        },
      }),
    };
    const record = await run({ contenders: [uneven] });
    assert.deepEqual([record.rounds, record.disturbedRounds], [2, 1]);
    assert.deepEqual(
      record.contenders.map(({ samples, disturbed }) => [samples.length, disturbed?.length]),
      [
        [2, 1],
        [2, 1],
      ],
    );
  });

  it('counts disturbed rounds where there are no others, and says so', async () => {
    let turns = 0;
    const uneven: Contender = {
      name: 'a',
      open: async () => ({
        async run() {
          const verify = () => ({ kind: 'results', digest: 'same' });
          return { sample: { wall: turns++ % 2 === 0 ? 100 : 150 }, verify };
        },
      }),
    };
    const record = await run({ contenders: [uneven] });
    assert.deepEqual([record.rounds, record.disturbedRounds, record.countsDisturbed], [4, 4, true]);
    assert.equal(record.contenders[0]?.samples.length, 4);
  });

  it('keeps no sample of the warm-up, in which it looks closely', async () => {
    const log = newLog();
    const record = await run({ contenders: [fake({ name: 'a', log })] });
    assert.deepEqual(
      record.contenders.map(({ name, samples }) => [name, samples.length]),
      [
        ['a', 2],
        [`a${AGAIN}`, 2],
      ],
    );
    assert.deepEqual(record.contenders[0]?.facts, [{ lookups: 1 }, { lookups: 2 }]);
    assert.deepEqual([...new Set(log.depths)], ['0 thorough', '1 quick', '2 quick']);
  });

  it('repeats the warm-up of short turns, as often as is of use', async () => {
    const log = newLog();
    const contenders = [fake({ name: 'a', log })];
    await run({ contenders }, { warmUpSeconds: 60, removesAtOnce: true });
    assert.equal(log.depths.filter((depth) => depth === '0 thorough').length, 2);
    assert.equal(log.depths.filter((depth) => depth === '0 quick').length, 2 * 4);
  });

  it('runs a cold case without warm-up, and looks closely in its first round', async () => {
    const log = newLog();
    const record = await run({ contenders: [fake({ name: 'a', log })], isCold: true, mostRounds: 1 });
    assert.deepEqual(log.turns, ['1a', '1a']);
    assert.deepEqual(log.depths, ['1 thorough', '1 thorough']);
    assert.equal(record.rounds, 1);
  });

  it('gives each turn a fresh folder, all with paths of one length', async () => {
    const log = newLog();
    await run({ contenders: [fake({ name: 'a', log }), fake({ name: 'b', log })] });
    assert.equal(new Set(log.folders).size, log.folders.length);
    assert.equal(new Set(log.folders.map((path) => path.length)).size, 1);
  });

  it('leaves output in place until the end where it is told to, and nothing after it', async () => {
    const log = newLog();
    const seen: number[] = [];
    const contender = fake({
      name: 'a',
      log,
      digest: ({ folder: own }) => {
        seen.push(readdirSync(join(own, '..')).length);
        return 'same';
      },
    });
    await run({ contenders: [contender] }, { removesAtOnce: false });
    assert.deepEqual(seen, [1, 2, 3, 4, 5, 6]);
    for (const each of log.folders) assert.equal(existsSync(each), false);
  });

  it('records a wrong result as a problem of whoever gave it, and goes on with the others', async () => {
    const log = newLog();
    const wrong = fake({ name: 'b', log, digest: ({ round }) => (round === 1 ? 'other' : 'same') });
    const record = await run({ contenders: [fake({ name: 'a', log }), wrong, fake({ name: 'c', log })] });
    const [a, b, c] = record.contenders;
    assert.match(b?.problem ?? '', /^Wrong result: its results quick are other, those of "a" same$/);
    assert.equal(a?.problem, undefined);
    assert.equal(c?.samples.length, 2);
    assert.equal(log.turns.filter((turn) => turn === '2b').length, 0);
  });

  it('compares results of one kind only', async () => {
    const log = newLog();
    const record = await run({
      contenders: [
        fake({ name: 'a', log }),
        fake({ name: 'b', log, kind: 'other', digest: () => 'different' }),
      ],
    });
    assert.deepEqual(
      record.contenders.map(({ problem }) => problem),
      [undefined, undefined, undefined],
    );
  });

  it('names who is missing and why, and closes who was opened', async () => {
    const log = newLog();
    const record = await run({
      contenders: [fake({ name: 'a', log }), absent('b', { missing: 'not installed' })],
    });
    assert.equal(record.contenders[1]?.missing, 'not installed');
    assert.deepEqual(record.contenders[1]?.samples, []);
    assert.equal(log.closed, 2);
  });

  it('records who cannot be opened as a problem', async () => {
    const log = newLog();
    const broken: Contender = { name: 'b', open: () => Promise.reject(new Error('no such thing')) };
    const record = await run({ contenders: [fake({ name: 'a', log }), broken] });
    assert.equal(record.contenders[1]?.problem, 'no such thing');
  });

  it('refuses a case whose control is none of its contenders', async () => {
    await assert.rejects(run({ contenders: [fake({ name: 'a', log: newLog() })], control: 'z' }), TypeError);
  });
});
