// Runs a program and waits for what it writes; it ends with the caller.
import { spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { concatBytes } from '../core/bytes.js';
import type { WithSignal } from '../core/with-signal.js';
import type { Environment } from './environment.js';

export interface ProgramRun extends WithSignal {
  readonly program: string;
  readonly args: readonly string[];
  readonly environment: Environment;
  /** What it reads from its standard input; nothing by default. */
  readonly input?: Uint8Array | undefined;
  /** What it reads from descriptor 3, which it has only then. */
  readonly secret?: Uint8Array | undefined;
  /** Largest output in bytes, of each kind. */
  readonly limit: number;
}

export interface ProgramResult {
  /** -1 for a program that a signal ended. */
  readonly exitCode: number;
  readonly output: Uint8Array;
  /** What it wrote to its standard error. */
  readonly messages: Uint8Array;
}

/** A program that writes without end. */
export class TooMuchOutput extends Error {
  constructor(program: string) {
    super(`"${program}" wrote more than it may`);
  }
}

/**
 * Runs a program to its end, whatever its exit code.
 * @throws the system's error when it cannot be started, such as one with `ENOENT`; `TooMuchOutput`, and then it is killed; the signal's
 * reason.
 */
export async function runProgram(run: ProgramRun): Promise<ProgramResult> {
  const { program, args, environment, input, secret, limit, signal } = run;
  signal?.throwIfAborted();
  const child = spawn(program, args, {
    stdio: ['pipe', 'pipe', 'pipe', ...(secret === undefined ? [] : (['pipe'] as const))],
    env: { ...environment },
    ...(signal && { signal }),
  });
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? -1));
  });
  const gather = async (stream: Readable) => {
    try {
      return await collect(stream, limit);
    } catch {
      child.kill('SIGKILL');
      throw new TooMuchOutput(program);
    }
  };
  const [stdin, stdout, stderr, extra] = child.stdio;
  const answers = Promise.all([gather(stdout as Readable), gather(stderr as Readable)]);
  send(stdin as Writable, input ?? new Uint8Array());
  if (secret !== undefined) send(extra as Writable, secret);
  try {
    const [exitCode, [output, messages]] = await Promise.all([ended, answers]);
    return { exitCode, output, messages };
  } catch (error) {
    // What the program itself started may keep them open.
    for (const stream of [stdout, stderr]) stream?.destroy();
    await answers.catch(() => {});
    signal?.throwIfAborted();
    throw error;
  }
}

/** A program may end before it has read all; its exit code tells. */
function send(stream: Writable, bytes: Uint8Array): void {
  stream.on('error', () => {});
  stream.end(bytes);
}

async function collect(stream: Readable, limit: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of stream as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > limit) throw new RangeError();
    chunks.push(chunk);
  }
  return concatBytes(chunks);
}
