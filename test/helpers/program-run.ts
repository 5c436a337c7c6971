// Runs the command line: in this process with sinks that collect, or as a process of its own.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Sink } from '../../src/cli/console.js';
import { runProgram } from '../../src/cli/program.js';

export interface ProgramResult {
  readonly exitCode: number | null;
  readonly out: string;
  readonly err: string;
}

export class CollectingSink implements Sink {
  text = '';
  readonly columns = 80;
  readonly isTerminal: boolean;

  constructor(isTerminal = false) {
    this.isTerminal = isTerminal;
  }

  write(text: string): void {
    this.text += text;
  }
}

export interface ProgramOptions {
  /** Home and cache folders are in here. */
  readonly folder: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly isTerminal?: boolean;
}

/** What a process of the program sees: nothing of the machine's own configuration. */
export function programEnvironment(folder: string): Record<string, string> {
  return {
    PATH: process.env.PATH ?? '',
    HOME: folder,
    TMPDIR: folder,
    XDG_CONFIG_HOME: join(folder, 'config'),
    XDG_CACHE_HOME: join(folder, 'cache'),
    XDG_DATA_HOME: join(folder, 'data'),
    NO_PROXY: '127.0.0.1',
  };
}

/** Runs the program in this process. */
export async function runHere(args: readonly string[], options: ProgramOptions): Promise<ProgramResult> {
  const out = new CollectingSink();
  const err = new CollectingSink(options.isTerminal);
  const before = { ...process.env };
  replaceEnvironment({ ...programEnvironment(options.folder), ...options.environment });
  try {
    const exitCode = await runProgram(args, { version: '9.8.7', out, err });
    return { exitCode, out: out.text, err: err.text };
  } finally {
    replaceEnvironment(before);
  }
}

function replaceEnvironment(environment: Readonly<Record<string, string | undefined>>): void {
  for (const name of Object.keys(process.env)) if (!(name in environment)) delete process.env[name];
  Object.assign(process.env, environment);
}

export const MAIN = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));

/** Starts the program as a process of its own. */
export function startProgram(args: readonly string[], { folder, environment }: ProgramOptions): ChildProcess {
  return spawn(process.execPath, [MAIN, ...args], {
    env: { ...programEnvironment(folder), ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** Collects what a process writes until it ends. */
export async function resultOf(child: ChildProcess): Promise<ProgramResult> {
  let out = '';
  let err = '';
  child.stdout?.on('data', (text) => {
    out += text;
  });
  child.stderr?.on('data', (text) => {
    err += text;
  });
  const [exitCode] = (await once(child, 'close')) as [number | null];
  return { exitCode, out, err };
}

export function packageVersion(): string {
  return JSON.parse(readFileSync('package.json', 'utf8')).version;
}
