// Operations that go one step at a time, so that a test decides what happens between two requests to a store.
import type { ObjectStore, PendingObject } from '../../src/transport/object-store.js';

/** Called before each step: goes on when it is its turn. */
export type Gate = () => Promise<void>;

export class SteppedRun {
  readonly #waiting: (() => void)[] = [];
  readonly #ended: Promise<unknown>;
  #isDone = false;
  #wake: () => void = () => {};

  /** The operation does one thing after the other. */
  constructor(operation: (gate: Gate) => Promise<unknown>) {
    const gate = () =>
      new Promise<void>((go) => {
        this.#waiting.push(go);
        this.#wake();
      });
    this.#ended = operation(gate).finally(() => {
      this.#isDone = true;
      this.#wake();
    });
    this.#ended.catch(() => {}); // whoever finishes it is told
  }

  /** Whether there was a step left. */
  async step(): Promise<boolean> {
    await this.#settled();
    const go = this.#waiting.shift();
    if (go === undefined) return false;
    go();
    await this.#settled();
    return true;
  }

  /** Up to so many steps; how many there were. */
  async steps(count: number): Promise<number> {
    let done = 0;
    while (done < count && (await this.step())) done++;
    return done;
  }

  /** All that is left. Errors as the operation. */
  async finish(): Promise<number> {
    const done = await this.steps(Number.POSITIVE_INFINITY);
    await this.#ended;
    return done;
  }

  /** Waits until it waits, or is done. */
  async #settled(): Promise<void> {
    while (this.#waiting.length === 0 && !this.#isDone)
      await new Promise<void>((wake) => {
        this.#wake = wake;
      });
  }
}

/** A store whose requests wait for their turn. */
export function steppedStore(store: ObjectStore, gate: Gate): ObjectStore {
  const gated =
    <Parameters extends readonly unknown[], Result>(call: (...parameters: Parameters) => Promise<Result>) =>
    async (...parameters: Parameters): Promise<Result> => {
      await gate();
      return call(...parameters);
    };
  const { lister, writer } = store;
  return {
    url: store.url,
    hasLastingTags: store.hasLastingTags,
    location: (path) => store.location(path),
    open: gated(store.open.bind(store)) as ObjectStore['open'],
    stat: gated(store.stat.bind(store)),
    lister: lister && {
      async *list(folder, options) {
        await gate();
        yield* lister.list(folder, options);
      },
    },
    writer: writer && {
      begin: async (options) => steppedObject(await writer.begin(options), gate),
      remove: gated(writer.remove.bind(writer)),
    },
  };
}

/** Only its commit can be seen by others. */
function steppedObject(object: PendingObject, gate: Gate): PendingObject {
  return {
    write: (bytes) => object.write(bytes),
    prepare: () => object.prepare(),
    discard: () => object.discard(),
    commit: async (path, condition) => {
      await gate();
      return object.commit(path, condition);
    },
  };
}
