// Programs that keep logins for Docker and Podman (docker-credential-helpers: `docker-credential-NAME get`).
import { UsageError } from '../../../core/errors.js';
import type { Environment } from '../../../host/environment.js';
import { runProgram } from '../../../host/run-program.js';
import { systemErrorCode } from '../../../host/system-error.js';
import type { RegistryCredentials } from './registry-credentials.js';

const LARGEST_ANSWER = 1 << 20;
/** Milliseconds: some ask for a password in a window. */
const TIMEOUT = 60_000;
/** The name of a user whose password is a token for the service of tokens. */
const TOKEN_USER = '<token>';

export interface HelperRequest {
  readonly program: string;
  /** The name that the login is kept under. */
  readonly server: string;
  readonly environment: Environment;
}

/**
 * Asks a program for a login; undefined where it has none.
 * @throws UsageError `config` when the program cannot be run, or answers something else
 */
export async function askHelper(request: HelperRequest): Promise<RegistryCredentials | undefined> {
  const { program, server, environment } = request;
  const { exitCode, output } = await runProgram({
    program,
    args: ['get'],
    environment,
    input: Buffer.from(server),
    limit: LARGEST_ANSWER,
    signal: AbortSignal.timeout(TIMEOUT),
  }).catch((cause: unknown) => {
    throw failed(program, problemOf(cause));
  });
  const text = Buffer.from(output).toString('utf8');
  if (exitCode !== 0) {
    if (/credentials not found/i.test(text)) return undefined;
    throw failed(program, `it exited with ${exitCode}`);
  }
  const { user, secret } = parsed(text);
  if (user === undefined || secret === undefined) throw failed(program, 'its answer has no user and secret');
  if (user === TOKEN_USER) return { kind: 'identity-token', token: secret };
  return { kind: 'pair', user, password: secret };
}

/** Its answer is never repeated. */
function parsed(text: string): { user?: string; secret?: string } {
  try {
    const { Username, Secret } = JSON.parse(text) as { Username?: unknown; Secret?: unknown };
    return {
      ...(typeof Username === 'string' && { user: Username }),
      ...(typeof Secret === 'string' && { secret: Secret }),
    };
  } catch {
    return {};
  }
}

function problemOf(cause: unknown): string {
  if (systemErrorCode(cause) === 'ENOENT') return 'there is no such program';
  if (cause instanceof DOMException && cause.name === 'TimeoutError')
    return `it did not answer within ${TIMEOUT / 1000} s`;
  return cause instanceof Error ? cause.message : String(cause);
}

function failed(program: string, problem: string): UsageError {
  return new UsageError('config', `Cannot ask "${program}" for the login of a registry: ${problem}`, {
    hint: 'Check "credHelpers" and "credsStore" in the configuration of Docker or Podman, or give the mirror an access_pair',
    data: { program, problem },
  });
}
