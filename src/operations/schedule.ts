// Runs tasks in an order in which everything comes after what it depends on, several at a time.

export interface Task<Key> {
  readonly key: Key;
  /** Keys of tasks earlier in the list. */
  readonly dependencies: readonly Key[];
}

export type TaskOutcome<Result> =
  | { readonly status: 'done'; readonly result: Result }
  | { readonly status: 'failed'; readonly error: unknown }
  /** A dependency failed, or everything was stopped before its turn. */
  | { readonly status: 'skipped'; readonly because: unknown };

export interface ScheduleOptions<T, Result> {
  readonly tasks: readonly T[];
  /** How many run at a time. */
  readonly jobs: number;
  /** After a failure nothing that stands later in the list may take effect. */
  readonly failFast: boolean;
  readonly signal?: AbortSignal | undefined;
  /** `turn` resolves when all earlier tasks are done, and rejects when one of them failed; without `failFast` at once. */
  readonly run: (task: T, turn: () => Promise<void>) => Promise<Result>;
}

/** What a task that waits for its turn is told when an earlier one failed. */
export class NotYourTurn extends Error {}

/** Runs every task whose dependencies work, and tells what became of each, in the order of the list. */
export async function schedule<Key, T extends Task<Key>, Result>(
  options: ScheduleOptions<T, Result>,
): Promise<readonly TaskOutcome<Result>[]> {
  return new Schedule<Key, T, Result>(options).run();
}

class Schedule<Key, T extends Task<Key>, Result> {
  readonly #options: ScheduleOptions<T, Result>;
  readonly #outcomes: (TaskOutcome<Result> | undefined)[];
  readonly #indexes = new Map<Key, number>();
  readonly #started = new Set<number>();
  readonly #waiting: { index: number; resolve: () => void; reject: (reason: unknown) => void }[] = [];
  #running = 0;
  /** Of the tasks that failed the one that stands first in the list. */
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
      this.#startReady();
      this.#callTurns();
      if (this.#running === 0) break;
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

  /** The list is in order, so one pass reaches everything that a failure takes with it. */
  #skipHopeless(): void {
    for (const [index, task] of this.#options.tasks.entries()) {
      if (this.#outcomes[index] !== undefined || this.#started.has(index)) continue;
      const failed = this.#dependenciesOf(task).find(
        (outcome) => outcome !== undefined && outcome.status !== 'done',
      );
      if (failed !== undefined) this.#outcomes[index] = { status: 'skipped', because: reasonOf(failed) };
    }
  }

  #startReady(): void {
    for (const [index, task] of this.#options.tasks.entries()) {
      if (this.#running >= this.#options.jobs || this.#isStoppedAt(index)) return;
      if (this.#outcomes[index] !== undefined || this.#started.has(index)) continue;
      if (this.#dependenciesOf(task).every((outcome) => outcome?.status === 'done'))
        void this.#start(index, task);
    }
  }

  /** A failure stops what stands behind it, not what stands before it: the same happens as with one job at a time. */
  #isStoppedAt(index: number): boolean {
    const { signal, failFast } = this.#options;
    return signal?.aborted === true || (failFast && index > (this.#failure?.index ?? index));
  }

  #stopReason(): unknown {
    return this.#options.signal?.aborted ? this.#options.signal.reason : this.#failure?.error;
  }

  #dependenciesOf(task: T): (TaskOutcome<Result> | undefined)[] {
    return task.dependencies.map((key) => this.#outcomes[this.#indexes.get(key) ?? -1]);
  }

  async #start(index: number, task: T): Promise<void> {
    this.#started.add(index);
    this.#running++;
    this.#outcomes[index] = await this.#attempt(index, task);
    this.#running--;
    this.#wake();
  }

  async #attempt(index: number, task: T): Promise<TaskOutcome<Result>> {
    try {
      return { status: 'done', result: await this.#options.run(task, () => this.#turnOf(index)) };
    } catch (error) {
      if (error instanceof NotYourTurn) return { status: 'skipped', because: error.cause };
      if (index < (this.#failure?.index ?? Number.POSITIVE_INFINITY)) this.#failure = { index, error };
      return { status: 'failed', error };
    }
  }

  #turnOf(index: number): Promise<void> {
    if (!this.#options.failFast) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#waiting.push({ index, resolve, reject });
      this.#wake();
    });
  }

  #callTurns(): void {
    for (const waiting of this.#waiting.splice(0)) {
      const earlier = this.#outcomes.slice(0, waiting.index);
      const bad = earlier.find((outcome) => outcome !== undefined && outcome.status !== 'done');
      if (bad !== undefined)
        waiting.reject(new NotYourTurn('An earlier task failed', { cause: reasonOf(bad) }));
      else if (earlier.every((outcome) => outcome !== undefined)) waiting.resolve();
      else this.#waiting.push(waiting);
    }
  }
}

function reasonOf(outcome: TaskOutcome<unknown>): unknown {
  if (outcome.status === 'failed') return outcome.error;
  return outcome.status === 'skipped' ? outcome.because : undefined;
}
