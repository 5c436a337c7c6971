// Several workers take turns at one list.

export interface ParallelWork<Item> {
  readonly items: Iterable<Item> | AsyncIterable<Item>;
  /** How many are worked on at a time. */
  readonly jobs: number;
  readonly signal: AbortSignal | undefined;
  readonly work: (item: Item) => Promise<void>;
}

/** Works on every item; the first failure ends it, when what was begun is done. */
export async function inParallel<Item>({ items, jobs, signal, work }: ParallelWork<Item>): Promise<void> {
  const queue = iterate(items);
  let failure: { readonly error: unknown } | undefined;
  const workOn = async (): Promise<void> => {
    for (let next = await queue.next(); !next.done && failure === undefined; next = await queue.next()) {
      signal?.throwIfAborted();
      await work(next.value);
    }
  };
  const workers = Array.from({ length: jobs }, () =>
    workOn().catch((error: unknown) => {
      failure ??= { error };
    }),
  );
  await Promise.all(workers);
  if (failure !== undefined) throw failure.error;
}

async function* iterate<Item>(items: Iterable<Item> | AsyncIterable<Item>): AsyncGenerator<Item> {
  yield* items;
}
