// Other processes for the tests of locks: they say a line when they are ready, and end when their input ends.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';

export interface ReadyChild {
  /** What the child said. */
  readonly line: string;
  /** Lets the child end by itself, and waits for that. */
  finish(): Promise<number | null>;
  /** Ends the child as a crash does. */
  kill(): Promise<void>;
}

/** Starts a process and waits for its first line. */
export async function startChild(
  test: TestContext,
  command: string,
  parameters: readonly string[],
): Promise<ReadyChild> {
  const child = spawn(command, parameters, { stdio: ['pipe', 'pipe', 'inherit'] });
  test.after(() => child.kill('SIGKILL'));
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  return {
    line,
    finish: () => {
      child.stdin.end();
      return exitOf(child);
    },
    kill: async () => {
      child.kill('SIGKILL');
      await exitOf(child);
    },
  };
}

async function exitOf(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return child.exitCode;
}

/** The URL of a compiled module of `src/store`, for code that a child runs. */
export function storeModule(name: string): string {
  return new URL(`../../src/store/${name}.js`, import.meta.url).href;
}

/** Parameters that make Node run a module's text. */
export function moduleText(text: string, ...parameters: readonly string[]): string[] {
  return ['--input-type=module', '-e', text, '--', ...parameters];
}

/** The number of a process that is gone. */
export function deadPid(): number {
  return spawnSync('true').pid;
}

export const hasPython = spawnSync('python3', ['-c', 'import fcntl']).status === 0;
