// Runs tasks concurrently, so that each takes effect after its dependencies. The work that needs no other task, which is most of it,
// is done ahead: tasks start in the order of the list, and each waits for its turn before it takes effect.

export interface Task<Key> {
  readonly key: Key;
  /** Keys of tasks earlier in the list. */
  readonly dependencies: readonly Key[];
}

export type TaskOutcome<Result> =
  | { readonly status: 'done'; readonly result: Result }
  | { readonly status: 'failed'; readonly error: unknown }
  /** A dependency failed, or the run was stopped before its turn. */
  | { readonly status: 'skipped'; readonly because: unknown };

export interface ScheduleOptions<T, Result> {
  readonly tasks: readonly T[];
  /** How many tasks work at a time; those that wait for their turn do not count. */
  readonly jobs: number;
  /** After a failure, no later task in the list may take effect. */
  readonly failFast: boolean;
  readonly signal?: AbortSignal | undefined;
  readonly run: (task: T, turn: Turn) => Promise<Result>;
}

/** When a task may take effect: after its dependencies; with `failFast`, after every earlier task. */
export interface Turn {
  readonly hasCome: boolean;
  /** Resolves when the turn has come, and rejects when it can no longer come. */
  come(): Promise<void>;
}

/** Limit of started, unfinished tasks, unless more jobs are requested: their intermediate results take up space. */
const MOST_BEGUN = 64;

/** The rejection of a task that waits for its turn when an earlier one failed. */
export class NotYourTurn extends Error {}

/** Runs every task whose dependencies succeed, and returns the outcome of each, in the order of the list. */
export async function schedule<Key, T extends Task<Key>, Result>(
  options: ScheduleOptions<T, Result>,
): Promise<readonly TaskOutcome<Result>[]> {
  return new Schedule<Key, T, Result>(options).run();
}

/** A task that waits for its turn. */
interface Waiting<Result> {
  /** The outcome of the tasks that it waits for. */
  readonly before: () => readonly (TaskOutcome<Result> | undefined)[];
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

class Schedule<Key, T extends Task<Key>, Result> {
  readonly #options: ScheduleOptions<T, Result>;
  readonly #outcomes: (TaskOutcome<Result> | undefined)[];
  readonly #indexes = new Map<Key, number>();
  readonly #started = new Set<number>();
  readonly #waiting: Waiting<Result>[] = [];
  /** Started and unfinished tasks, including those that wait for their turn. */
  #begun = 0;
  /** The first failed task in the list. */
  #failure: { readonly index: number; readonly error: unknown } | undefined;
  #hasNews = false;
  #resume: () => void = () => {};

  constructor(options: ScheduleOptions<T, Result>) {
    this.#options = options;
    this.#outcomes = options.tasks.map(() => undefined);
    for (const [index, { key }] of options.tasks.entries()) this.#indexes.set(key, index);
  }

  async run(): Promise<readonly TaskOutcome<Result>[]> {
    for (;;) {
      this.#hasNews = false;
      this.#skipHopeless();
      this.#callTurns();
      this.#startNext();
      if (this.#begun === 0) break;
      if (!this.#hasNews)
        await new Promise<void>((resolve) => {
          this.#resume = resolve;
        });
    }
    return this.#outcomes.map((outcome) => outcome ?? { status: 'skipped', because: this.#stopReason() });
  }

  #wake(): void {
    this.#hasNews = true;
    this.#resume();
  }

  /** The list is in order, so one pass reaches every task that a failure affects. */
  #skipHopeless(): void {
    for (const [index, task] of this.#options.tasks.entries()) {
      if (this.#outcomes[index] !== undefined || this.#started.has(index)) continue;
      const failed = this.#dependenciesOf(task).find(
        (outcome) => outcome !== undefined && outcome.status !== 'done',
      );
      if (failed !== undefined) this.#outcomes[index] = { status: 'skipped', because: reasonOf(failed) };
    }
  }

  /** In the order of the list: the first of the started tasks never waits for another. */
  #startNext(): void {
    for (const [index, task] of this.#options.tasks.entries()) {
      if (this.#isFull || this.#isStopped) return;
      if (this.#outcomes[index] === undefined && !this.#started.has(index)) void this.#start(index, task);
    }
  }

  get #isFull(): boolean {
    const { jobs } = this.#options;
    return this.#begun - this.#waiting.length >= jobs || this.#begun >= Math.max(MOST_BEGUN, jobs);
  }

  /** Tasks before a failure have started and continue, so the outcome is the same as with one job at a time. */
  get #isStopped(): boolean {
    const { signal, failFast } = this.#options;
    return signal?.aborted === true || (failFast && this.#failure !== undefined);
  }

  #stopReason(): unknown {
    return this.#options.signal?.aborted ? this.#options.signal.reason : this.#failure?.error;
  }

  #dependenciesOf(task: T): (TaskOutcome<Result> | undefined)[] {
    return task.dependencies.map((key) => this.#outcomes[this.#indexes.get(key) ?? -1]);
  }

  async #start(index: number, task: T): Promise<void> {
    this.#started.add(index);
    this.#begun++;
    this.#outcomes[index] = await this.#attempt(index, task);
    this.#begun--;
    this.#wake();
  }

  async #attempt(index: number, task: T): Promise<TaskOutcome<Result>> {
    try {
      return { status: 'done', result: await this.#options.run(task, this.#turnOf(index, task)) };
    } catch (error) {
      if (error instanceof NotYourTurn) return { status: 'skipped', because: error.cause };
      if (index < (this.#failure?.index ?? Number.POSITIVE_INFINITY)) this.#failure = { index, error };
      return { status: 'failed', error };
    }
  }

  #turnOf(index: number, task: T): Turn {
    const before = () =>
      this.#options.failFast ? this.#outcomes.slice(0, index) : this.#dependenciesOf(task);
    return {
      get hasCome() {
        return before().every((outcome) => outcome?.status === 'done');
      },
      come: () =>
        new Promise((resolve, reject) => {
          this.#waiting.push({ before, resolve, reject });
          this.#wake();
        }),
    };
  }

  #callTurns(): void {
    for (const waiting of this.#waiting.splice(0)) {
      const before = waiting.before();
      const bad = before.find((outcome) => outcome !== undefined && outcome.status !== 'done');
      if (bad !== undefined)
        waiting.reject(new NotYourTurn('An earlier task failed', { cause: reasonOf(bad) }));
      else if (before.every((outcome) => outcome !== undefined)) waiting.resolve();
      else this.#waiting.push(waiting);
    }
  }
}

function reasonOf(outcome: TaskOutcome<unknown>): unknown {
  if (outcome.status === 'failed') return outcome.error;
  return outcome.status === 'skipped' ? outcome.because : undefined;
}
