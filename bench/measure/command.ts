// Runs a command in a process and measures it with everything that it starts.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { childCpuTime } from './child-cpu-time.js';
import { PeakMemory } from './peak-memory.js';
import type { Sample } from './sample.js';

export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly environment?: Readonly<Record<string, string | undefined>>;
  readonly folder?: string;
}

export interface CommandResult {
  readonly sample: Sample;
  readonly output: string;
}

/** How much of a failed command's output goes into the error. */
const SHOWN = 2000;

/**
 * Runs a command to its end. Only one may run at a time: CPU time is that of all children that end during the call.
 * @throws Error when it fails
 */
export async function measureCommand(command: Command): Promise<CommandResult> {
  const cpuBefore = childCpuTime();
  const begin = performance.now();
  const child = spawn(command.program, command.args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...(command.environment ?? process.env) },
    ...(command.folder === undefined ? {} : { cwd: command.folder }),
  });
  // An interrupted run must leave no process behind that keeps writing.
  const stop = () => child.kill('SIGKILL');
  process.once('exit', stop);
  const said = { out: '', err: '' };
  child.stdout.on('data', (text) => {
    said.out += text;
  });
  child.stderr.on('data', (text) => {
    said.err += text;
  });
  const memory = child.pid === undefined ? undefined : new PeakMemory(child.pid);
  let end = 0;
  child.once('exit', () => {
    end = performance.now();
  });
  const [status] = (await once(child, 'close').finally(() => {
    memory?.stop();
    process.removeListener('exit', stop);
  })) as [number | null];
  const peak = memory?.stop();
  if (status !== 0) throw new Error(failureText(command, status, said.err || said.out));
  const cpuAfter = childCpuTime();
  const cpu = cpuBefore === undefined || cpuAfter === undefined ? undefined : cpuAfter - cpuBefore;
  const sample = {
    wall: end - begin,
    ...(cpu === undefined ? {} : { cpu }),
    ...(peak === undefined ? {} : { peak }),
  };
  return { sample, output: said.out };
}

function failureText({ program, args }: Command, status: number | null, said: string): string {
  return `"${[program, ...args].join(' ')}" ended with ${status ?? 'a signal'}: ${said.slice(-SHOWN)}`;
}
