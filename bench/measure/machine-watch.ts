// Other activity on the machine during a turn: proc(5) `/proc/stat`, minus the usage of this process and its children.
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { childCpuTime, clockTicks } from './child-cpu-time.js';
import type { Sample } from './sample.js';

/** Shorter turns have too few clock ticks for a measurement. */
const SHORTEST = 250;

/** Fields of the first line, after its name: user, nice, system, idle, iowait, irq, softirq, steal. */
const BUSY: readonly number[] = [0, 1, 2, 5, 6, 7];

export class MachineWatch {
  readonly #begin = performance.now();
  readonly #machine = machineCpuTime();
  readonly #own = process.cpuUsage();
  readonly #children = childCpuTime() ?? 0;

  /** The sample, with the share of the machine that others used. */
  complete(sample: Sample): Sample {
    const wall = performance.now() - this.#begin;
    const now = machineCpuTime();
    if (now === undefined || this.#machine === undefined || wall < SHORTEST) return sample;
    const { user, system } = process.cpuUsage(this.#own);
    const children = (childCpuTime() ?? 0) - this.#children;
    // A warm process is still running, so it is not among the children waited for: its own measurement counts.
    const known = (user + system) / 1000 + Math.max(children, sample.cpu ?? 0);
    const others = Math.max(0, now - this.#machine - known) / (wall * availableParallelism());
    return { ...sample, others: Math.round(others * 1000) / 1000 };
  }
}

/** Milliseconds that all processors together were busy, including time stolen by the host. */
function machineCpuTime(): number | undefined {
  try {
    return parseBusyTicks(readFileSync('/proc/stat', 'latin1')) * (1000 / clockTicks());
  } catch {
    return undefined;
  }
}

/** Clock ticks, from the text of `/proc/stat`. */
export function parseBusyTicks(stat: string): number {
  const fields = /^cpu +(.*)$/m.exec(stat)?.[1]?.split(' ').map(Number) ?? [];
  const ticks = BUSY.reduce((sum, index) => sum + (fields[index] ?? Number.NaN), 0);
  if (!Number.isFinite(ticks)) throw new TypeError(`No processor times in "${stat.slice(0, 80)}"`);
  return ticks;
}
