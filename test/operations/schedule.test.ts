// The scheduler under a deterministic executor: the test decides which running task ends next, so no timers are needed.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { schedule, type Task, type TaskOutcome, type Turn } from '../../src/operations/schedule.js';
import { settle } from '../helpers/stream-source.js';

interface Sketch extends Task<string> {
  readonly fails?: boolean;
  /** Fails before it asks for its turn. */
  readonly failsEarly?: boolean;
}

/** `c < a b` is a task that needs two others; `!` fails, `?` fails before its turn. */
function tasksOf(...lines: readonly string[]): Sketch[] {
  return lines.map((line) => {
    const [name = '', rest] = line.split('<').map((part) => part.trim());
    return {
      key: name.replace(/[!?]/, ''),
      dependencies: rest?.split(' ') ?? [],
      fails: name.endsWith('!'),
      failsEarly: name.endsWith('?'),
    };
  });
}

interface Options {
  readonly jobs?: number;
  readonly failFast?: boolean;
  readonly signal?: AbortSignal;
}

/** Runs tasks whose work ends when the test says so. */
class Executor {
  /** Tasks that have begun, in order. */
  readonly started: string[] = [];
  /** Tasks that took effect, in order. */
  readonly effects: string[] = [];
  readonly working = new Map<string, () => void>();
  /** Tasks whose turn had not come when their work was done. */
  readonly ahead: string[] = [];
  active = 0;
  mostActive = 0;
  outcomes: readonly TaskOutcome<string>[] | undefined;
  readonly done: Promise<void>;

  constructor(tasks: readonly Sketch[], { jobs = 2, failFast = false, signal }: Options = {}) {
    const run = (task: Sketch, turn: Turn) => this.#run(task, turn);
    this.done = schedule<string, Sketch, string>({ tasks, jobs, failFast, signal, run }).then((outcomes) => {
      this.outcomes = outcomes;
    });
  }

  /** Lets the work of a task end, and everything that follows from it. */
  async end(key: string): Promise<void> {
    const end = this.working.get(key);
    assert.ok(end, `${key} is at work`);
    this.working.delete(key);
    end();
    await settle();
  }

  /** `name: status` of every task, when all is done. */
  get summary(): string[] {
    return (this.outcomes ?? []).map((outcome) => outcome.status);
  }

  async #run(task: Sketch, turn: Turn): Promise<string> {
    this.started.push(task.key);
    this.mostActive = Math.max(this.mostActive, ++this.active);
    try {
      await new Promise<void>((resolve) => this.working.set(task.key, resolve));
      if (task.failsEarly) throw new Error(`${task.key} failed`);
    } finally {
      this.active--;
    }
    if (!turn.hasCome) this.ahead.push(task.key);
    await turn.come();
    if (task.fails) throw new Error(`${task.key} failed`);
    this.effects.push(task.key);
    return task.key;
  }
}

async function started(tasks: readonly Sketch[], options?: Options): Promise<Executor> {
  const executor = new Executor(tasks, options);
  await settle();
  return executor;
}

describe('schedule', () => {
  it('runs nothing', async () => {
    const executor = await started([]);
    assert.deepEqual(executor.outcomes, []);
  });

  it('begins in the order of the list, and lets a task take effect when all it needs is done', async () => {
    const executor = await started(tasksOf('a', 'b', 'c < a', 'd < c b', 'e'), { jobs: 2 });
    assert.deepEqual(executor.started, ['a', 'b']);
    await executor.end('b');
    assert.deepEqual(executor.started, ['a', 'b', 'c']);
    await executor.end('c');
    assert.deepEqual(executor.started, ['a', 'b', 'c', 'd'], 'c waits for a, and d is worked on meanwhile');
    await executor.end('d');
    assert.deepEqual(executor.effects, ['b'], 'c and d wait');
    await executor.end('a');
    assert.deepEqual(executor.effects, ['b', 'a', 'c', 'd']);
    assert.deepEqual(executor.ahead, ['c', 'd']);
    await executor.end('e');
    assert.deepEqual(
      executor.outcomes,
      ['a', 'b', 'c', 'd', 'e'].map((result) => ({ status: 'done', result })),
    );
  });

  it('works on no more than it may at a time', async () => {
    const executor = await started(tasksOf('a', 'b', 'c', 'd', 'e', 'f'), { jobs: 3 });
    assert.equal(executor.working.size, 3);
    for (const key of ['c', 'a', 'b', 'f', 'd', 'e']) await executor.end(key);
    assert.equal(executor.mostActive, 3);
  });

  it('begins only so many before they are done', async () => {
    const rest = Array.from({ length: 80 }, (_, i) => `t${i} < a`);
    const executor = await started(tasksOf('a', ...rest), { jobs: 2 });
    for (let i = 0; executor.working.has(`t${i}`); i++) await executor.end(`t${i}`);
    assert.equal(executor.started.length, 64);
    await executor.end('a');
    assert.equal(executor.effects.length, 64);
    assert.deepEqual([...executor.working.keys()], ['t63', 't64']);
    for (let i = 63; i < 80; i++) await executor.end(`t${i}`);
    assert.equal(executor.effects.length, 81);
  });

  it('begins as many as are wanted at a time, however many', async () => {
    const tasks = tasksOf(...Array.from({ length: 100 }, (_, i) => `t${i}`));
    const executor = await started(tasks, { jobs: 90 });
    assert.equal(executor.working.size, 90);
    for (const { key } of tasks) await executor.end(key);
    assert.equal(executor.effects.length, 100);
  });

  it('lets nothing that was done ahead take effect when what it needs fails', async () => {
    const executor = await started(tasksOf('a', 'b! < a', 'c < b', 'd < c', 'e'), { jobs: 5 });
    for (const key of ['d', 'c', 'b', 'e', 'a']) await executor.end(key);
    assert.deepEqual(executor.summary, ['done', 'failed', 'skipped', 'skipped', 'done']);
    assert.deepEqual(executor.effects, ['e', 'a']);
    const [, , c, d] = executor.outcomes ?? [];
    for (const outcome of [c, d])
      assert.ok(outcome?.status === 'skipped' && `${outcome.because}`.includes('b failed'));
  });

  it('goes on after a failure with what does not depend on it', async () => {
    const executor = await started(tasksOf('a!', 'b < a', 'c', 'd < b c', 'e < c'), { jobs: 1 });
    for (const key of ['a', 'c', 'e']) await executor.end(key);
    assert.deepEqual(executor.summary, ['failed', 'skipped', 'done', 'skipped', 'done']);
    const [, b, , d] = executor.outcomes ?? [];
    for (const outcome of [b, d])
      assert.ok(
        outcome?.status === 'skipped' && `${outcome.because}`.includes('a failed'),
        'the first cause is told',
      );
  });

  it('is not stopped by a task that throws at once, or throws nothing', async () => {
    const outcomes = await schedule<string, Task<string>, never>({
      tasks: tasksOf('a', 'b < a', 'c'),
      jobs: 1,
      failFast: false,
      run: () => {
        throw undefined;
      },
    });
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['failed', 'skipped', 'failed'],
    );
  });
});

describe('schedule with failFast', () => {
  it('lets nothing take effect behind a failure', async () => {
    const executor = await started(tasksOf('a', 'b!', 'c', 'd'), { jobs: 4, failFast: true });
    await executor.end('c');
    await executor.end('d');
    assert.deepEqual(executor.effects, [], 'they wait for their turn');
    await executor.end('a');
    assert.deepEqual(executor.effects, ['a']);
    await executor.end('b');
    assert.deepEqual(executor.summary, ['done', 'failed', 'skipped', 'skipped']);
    assert.deepEqual(executor.effects, ['a']);
  });

  it('lets take effect in the order of the list, however long each takes', async () => {
    const executor = await started(tasksOf('a', 'b', 'c', 'd'), { jobs: 4, failFast: true });
    for (const key of ['d', 'b', 'c', 'a']) await executor.end(key);
    assert.deepEqual(executor.effects, ['a', 'b', 'c', 'd']);
  });

  it('begins nothing behind a failure', async () => {
    const executor = await started(tasksOf('a?', 'b', 'c'), { jobs: 1, failFast: true });
    await executor.end('a');
    assert.deepEqual(executor.started, ['a']);
    assert.deepEqual(executor.summary, ['failed', 'skipped', 'skipped']);
  });

  it('still does what stands before a failure', async () => {
    const executor = await started(tasksOf('a', 'b < a', 'c?', 'd'), { jobs: 3, failFast: true });
    for (const key of ['c', 'a', 'b']) await executor.end(key);
    assert.deepEqual(executor.started, ['a', 'b', 'c'], 'c failed first, but a and b come before it');
    assert.deepEqual(executor.summary, ['done', 'done', 'failed', 'skipped']);
  });
});

describe('schedule with a signal', () => {
  it('begins nothing after an abort, and waits for what runs', async () => {
    const controller = new AbortController();
    const executor = await started(tasksOf('a', 'b', 'c'), { jobs: 1, signal: controller.signal });
    const reason = new Error('stop');
    controller.abort(reason);
    await settle();
    assert.deepEqual(executor.summary, [], 'a is still at work');
    await executor.end('a');
    assert.deepEqual(executor.started, ['a']);
    assert.deepEqual(executor.outcomes?.slice(1), [
      { status: 'skipped', because: reason },
      { status: 'skipped', because: reason },
    ]);
  });

  it('begins nothing when it was aborted before', async () => {
    const executor = await started(tasksOf('a'), { signal: AbortSignal.abort(new Error('stop')) });
    assert.deepEqual(executor.summary, ['skipped']);
  });
});

/** Tasks that need earlier ones, some of which fail, and the order in which running ones end. */
const GRAPH = fc
  .array(
    fc.record({
      needs: fc.array(fc.nat(9), { maxLength: 3 }),
      fate: fc.constantFrom('', '', '', '', '!', '?'),
    }),
    { maxLength: 10 },
  )
  .map((sketches) =>
    sketches.map(({ needs, fate }, i): Sketch => {
      const dependencies = i === 0 ? [] : [...new Set(needs.map((need) => `t${need % i}`))];
      return { key: `t${i}`, dependencies, fails: fate === '!', failsEarly: fate === '?' };
    }),
  );

/** What one job at a time would do. */
function sequentially(tasks: readonly Sketch[], failFast: boolean): string[] {
  const done: string[] = [];
  for (const { key, dependencies, fails, failsEarly } of tasks) {
    const isReady = dependencies.every((each) => done.includes(each));
    if (isReady && !fails && !failsEarly) done.push(key);
    else if (failFast) return done;
  }
  return done;
}

describe('schedule of any graph', () => {
  it('ends, obeys the dependencies, and does what one job at a time would do', async () => {
    const shape = fc.record({
      tasks: GRAPH,
      jobs: fc.integer({ min: 1, max: 4 }),
      failFast: fc.boolean(),
      choices: fc.array(fc.nat(), { minLength: 12, maxLength: 12 }),
    });
    await fc.assert(
      fc.asyncProperty(shape, async ({ tasks, jobs, failFast, choices }) => {
        const executor = await started(tasks, { jobs, failFast });
        for (const choice of choices) {
          const running = [...executor.working.keys()];
          const next = running[choice % Math.max(1, running.length)];
          if (next !== undefined) await executor.end(next);
        }
        assert.ok(executor.outcomes, 'it has come to an end');
        assert.ok(executor.mostActive <= jobs);
        const wanted = sequentially(tasks, failFast);
        if (failFast) assert.deepEqual(executor.effects, wanted, 'in the order of the list');
        else assert.deepEqual([...executor.effects].sort(), [...wanted].sort());
        const place = new Map(executor.effects.map((key, i) => [key, i]));
        for (const { key, dependencies } of tasks)
          for (const needed of place.has(key) ? dependencies : [])
            assert.ok((place.get(needed) ?? 99) < (place.get(key) ?? 0), `${needed} before ${key}`);
        assert.deepEqual(
          executor.outcomes.map(({ status }) => status === 'done'),
          tasks.map(({ key }) => wanted.includes(key)),
        );
      }),
      { seed: 53, numRuns: 400 },
    );
  });
});
