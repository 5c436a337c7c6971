// Exclusive turns by key within this process, in the order of arrival. File locks alone would suffice, but they are polled, and tasks
// of one process need not wait for a poll.

interface Waiter {
  readonly pass: () => void;
}

const queues = new Map<string, Waiter[]>();

/**
 * Waits for the turn at `key`.
 *
 * @param signal - leaves the queue; its reason is thrown.
 * @returns a function that ends the turn; a second call does nothing.
 */
export async function takeTurn(key: string, signal?: AbortSignal): Promise<() => void> {
  signal?.throwIfAborted();
  const queue = queues.get(key);
  if (queue === undefined) {
    queues.set(key, []);
    return endOfTurn(key);
  }
  return new Promise((resolve, reject) => {
    const leave = () => {
      const index = queue.indexOf(waiter);
      if (index >= 0) queue.splice(index, 1);
      reject(signal?.reason);
    };
    const waiter: Waiter = {
      pass: () => {
        signal?.removeEventListener('abort', leave);
        resolve(endOfTurn(key));
      },
    };
    signal?.addEventListener('abort', leave, { once: true });
    queue.push(waiter);
  });
}

function endOfTurn(key: string): () => void {
  let ended = false;
  return () => {
    if (ended) return;
    ended = true;
    const next = queues.get(key)?.shift();
    if (next === undefined) queues.delete(key);
    else next.pass();
  };
}
