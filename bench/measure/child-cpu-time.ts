// CPU time of finished child processes, including all children that they waited for: `cutime` and `cstime` of proc(5), `/proc/self/stat`.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Fields after the command's name, which may hold blanks: 16 and 17 of the whole line are 13 and 14 of the rest. */
const CUTIME = 13;
const CSTIME = 14;

let ticksPerSecond: number | undefined;

/** Milliseconds of CPU time of all children waited for so far; undefined if the system does not report it. */
export function childCpuTime(): number | undefined {
  try {
    return parseChildTicks(readFileSync('/proc/self/stat', 'latin1')) * (1000 / clockTicks());
  } catch {
    return undefined;
  }
}

/** The sum of `cutime` and `cstime`, in clock ticks. */
export function parseChildTicks(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = Number(fields[CUTIME]) + Number(fields[CSTIME]);
  if (!Number.isFinite(ticks)) throw new TypeError(`No child times in "${stat}"`);
  return ticks;
}

/** Clock ticks per second. */
export function clockTicks(): number {
  ticksPerSecond ??= Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
  return ticksPerSecond;
}
