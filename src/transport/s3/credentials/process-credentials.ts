// Credentials that a program of the user writes ("Sourcing credentials with an external process"): `credential_process` of a profile.
import { UsageError } from '../../../core/errors.js';
import type { Environment } from '../../../host/environment.js';
import { type ProgramResult, runProgram, TooMuchOutput } from '../../../host/run-program.js';
import { describeSystemError } from '../../../host/system-error.js';
import type { Credentials } from './credentials.js';
import { issuedCredentials, parseIssued } from './issued-credentials.js';

/** More than any credentials, in bytes. */
const LARGEST_OUTPUT = 64 * 1024;
/** Some ask their user for something. In milliseconds. */
const LONGEST_RUN = 60_000;

export interface CredentialProcess {
  /** A program and its arguments, which may be quoted; no shell runs it. */
  readonly command: string;
  /** Of the profile, for messages. */
  readonly profile: string;
  readonly environment: Environment;
  readonly longestRun?: number | undefined;
}

/**
 * Runs the program.
 * @throws UsageError `config` for a program that fails, takes too long, or writes something else. What it writes is not told, nor its
 * command: both may hold secrets.
 */
export async function processCredentials(process: CredentialProcess): Promise<Credentials> {
  const [program, ...args] = splitCommand(process.command) ?? [];
  if (!program) throw failed(process, 'it cannot be taken apart');
  const { exitCode, output } = await run(process, program, args);
  if (exitCode !== 0) throw failed(process, exitCode < 0 ? 'it was killed' : `it exited with ${exitCode}`);
  const parsed = parseIssued(Buffer.from(output).toString('utf8'));
  const { AccessKeyId: id, SecretAccessKey: secret, SessionToken: token, Expiration: expiration } = parsed;
  const found = parsed.Version === 1 ? issuedCredentials({ id, secret, token, expiration }) : undefined;
  if (found === undefined) throw failed(process, 'it wrote no credentials of version 1');
  return found;
}

async function run(
  process: CredentialProcess,
  program: string,
  args: readonly string[],
): Promise<ProgramResult> {
  const { environment, longestRun = LONGEST_RUN } = process;
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), longestRun);
  try {
    return await runProgram({ program, args, environment, limit: LARGEST_OUTPUT, signal: limit.signal });
  } catch (error) {
    if (limit.signal.aborted) throw failed(process, `it did not end within ${longestRun / 1000} s`);
    if (error instanceof TooMuchOutput) throw failed(process, `it wrote more than ${LARGEST_OUTPUT} bytes`);
    throw failed(process, describeSystemError(error));
  } finally {
    clearTimeout(timer);
  }
}

/** The words of a command, as a shell splits them; undefined where a quote is not closed. */
export function splitCommand(command: string): string[] | undefined {
  const words: string[] = [];
  let word: string | undefined;
  const piece = /\s+|'([^']*)'|"((?:[^"\\]|\\[\s\S])*)"|\\([\s\S])|([^\s'"\\]+)/y;
  while (piece.lastIndex < command.length) {
    const match = piece.exec(command);
    if (match === null) return undefined;
    const [blanks, single, double, escaped, plain] = match;
    const text = single ?? double?.replace(/\\(["\\$`])/g, '$1') ?? escaped ?? plain;
    if (text !== undefined) word = (word ?? '') + text;
    else if (blanks !== undefined && word !== undefined) {
      words.push(word);
      word = undefined;
    }
  }
  return word === undefined ? words : [...words, word];
}

function failed({ profile }: CredentialProcess, state: string): UsageError {
  return new UsageError('config', `Cannot use the credential_process of the profile "${profile}": ${state}`, {
    hint: 'Run it by hand: it must write {"Version": 1, "AccessKeyId": …, "SecretAccessKey": …} within a minute',
    data: { profile },
  });
}
