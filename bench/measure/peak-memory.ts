// Peak resident memory of a process with all its descendants, sampled from proc(5). A peak between two samples of one process is
// found in its high-water mark; one of several processes together can be missed.
import { readdirSync, readFileSync } from 'node:fs';

const INTERVAL = 10;

/** Watches a process tree until it is stopped. */
export class PeakMemory {
  readonly #root: number;
  readonly #timer: NodeJS.Timeout;
  #peak = 0;

  constructor(root: number, interval = INTERVAL) {
    this.#root = root;
    this.#timer = setInterval(() => this.#look(), interval);
  }

  /** Stops watching; returns the most bytes seen, undefined if nothing could be read. */
  stop(): number | undefined {
    this.#look();
    clearInterval(this.#timer);
    return this.#peak === 0 ? undefined : this.#peak;
  }

  #look(): void {
    let sum = 0;
    for (const id of processTree(this.#root)) {
      const memory = residentMemory(id);
      if (memory === undefined) continue;
      sum += memory.now;
      this.#peak = Math.max(this.#peak, memory.highest);
    }
    this.#peak = Math.max(this.#peak, sum);
  }
}

/** A process and its descendants. */
export function processTree(root: number): number[] {
  const tree = [root];
  for (const id of tree) tree.push(...childrenOf(id));
  return tree;
}

function childrenOf(id: number): number[] {
  try {
    return readdirSync(`/proc/${id}/task`).flatMap((task) =>
      readFileSync(`/proc/${id}/task/${task}/children`, 'latin1').split(' ').filter(Boolean).map(Number),
    );
  } catch {
    return []; // it has ended
  }
}

interface ResidentMemory {
  readonly now: number;
  readonly highest: number;
}

/** The memory of a running process; undefined if it cannot be read. */
export function residentMemory(id: number | 'self'): ResidentMemory | undefined {
  try {
    return parseResidentMemory(readFileSync(`/proc/${id}/status`, 'latin1'));
  } catch {
    return undefined;
  }
}

/** Bytes, from the text of `/proc/…/status`; undefined for a process that has ended. */
export function parseResidentMemory(status: string): ResidentMemory | undefined {
  const now = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
  const highest = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1];
  if (now === undefined || highest === undefined) return undefined;
  return { now: Number(now) * 1024, highest: Number(highest) * 1024 };
}
