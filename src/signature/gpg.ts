// The user's GnuPG with its agent: lists keys, signs, exports public keys. The only place that starts processes for
// signatures. Format of `--with-colons`: GnuPG's doc/DETAILS.

import { SignatureError } from '../core/errors.js';
import { runProgram, TooMuchOutput } from '../host/run-program.js';
import { systemErrorCode } from '../host/system-error.js';
import { extractClearsigned } from './clearsign/clearsign.js';
import { signableText } from './clearsign/clearsign-writer.js';
import { type KeyFacts, withoutControlCharacters } from './keys/key-facts.js';

export interface GpgOptions {
  /** The program; by default `REGRAFT_GPG`, else `gpg`. */
  readonly program?: string | undefined;
  /** Passed to gpg, so that the agent does not prompt. */
  readonly passphrase?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface GpgKey extends KeyFacts {
  /** Neither expired nor revoked nor disabled, and able to sign. */
  readonly canSign: boolean;
}

/** Maximum size of gpg's output, in bytes. */
const LARGEST_OUTPUT = 256 * 1024 * 1024;
const LONGEST_REASON = 500;

/** GnuPG's numbers of public key algorithms. */
const ALGORITHMS: Readonly<Record<string, string>> = { 1: 'rsa', 17: 'dsa', 19: 'ecdsa', 22: 'eddsa' };

/**
 * The keys in the user's GnuPG that have a secret part.
 * @throws SignatureError `gpg-failed`.
 */
export async function listGpgKeys(options: GpgOptions = {}): Promise<readonly GpgKey[]> {
  const args = ['--batch', '--with-colons', '--fixed-list-mode', '--list-secret-keys'];
  return parseSecretKeyList(Buffer.from(await runGpg(args, options)).toString('utf8'));
}

/** Parses the output of `gpg --with-colons --list-secret-keys`. */
export function parseSecretKeyList(text: string): readonly GpgKey[] {
  const keys: { record: readonly string[]; fingerprint: string; userIds: string[] }[] = [];
  for (const line of text.split('\n')) {
    const fields = line.split(':');
    const key = keys.at(-1);
    if (fields[0] === 'sec') keys.push({ record: fields, fingerprint: '', userIds: [] });
    else if (fields[0] === 'fpr' && key?.fingerprint === '') key.fingerprint = fields[9] ?? '';
    else if (fields[0] === 'uid') key?.userIds.push(unescapeColons(fields[9] ?? ''));
  }
  return keys.filter(({ fingerprint }) => /^[0-9A-F]{40,64}$/.test(fingerprint)).map(describe);
}

function describe({
  record,
  fingerprint,
  userIds,
}: {
  record: readonly string[];
  fingerprint: string;
  userIds: string[];
}): GpgKey {
  const [, validity = '', bits = '', algorithm = '', , created = '', expires = ''] = record;
  const capabilities = record[11] ?? '';
  const curve = record[16] ?? '';
  return {
    fingerprint,
    userIds,
    created: new Date(Number(created) * 1000),
    expires: expires === '' ? undefined : new Date(Number(expires) * 1000),
    revoked: validity === 'r',
    algorithm: curve === '' ? `${ALGORITHMS[algorithm] ?? algorithm}${bits}` : curve,
    // Upper case letters are the capabilities of the key as a whole.
    canSign: capabilities.includes('S') && !capabilities.includes('D') && !/^[erdin]$/.test(validity),
  };
}

function unescapeColons(text: string): string {
  const unescaped = text.replace(/\\x([0-9a-fA-F]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return withoutControlCharacters(unescaped);
}

/**
 * Signs a text into a clearsigned file.
 * @throws SignatureError `text-not-signable`, `gpg-failed`.
 */
export async function signWithGpg(
  text: Uint8Array,
  options: GpgOptions & { readonly fingerprint: string; readonly source: string },
): Promise<Uint8Array> {
  const { fingerprint, source } = options;
  const signable = signableText(text, source);
  const args = ['--batch', '--yes', '--armor', '--digest-algo', 'SHA512', '--local-user', fingerprint];
  const signed = await runGpg([...args, '--output', '-', '--clearsign'], options, text);
  const covered = extractClearsigned(signed, source);
  if (Buffer.compare(covered, signable) === 0) return signed;
  throw new SignatureError('gpg-failed', `Cannot sign "${source}" with gpg: it changed the text`, {
    hint: 'Check gpg.conf: no option may change the signed text',
    data: { source, fingerprint },
  });
}

/**
 * A public key, armored.
 * @throws SignatureError `gpg-failed`, including for a key that gpg does not have.
 */
export async function exportFromGpg(keyId: string, options: GpgOptions = {}): Promise<Uint8Array> {
  const exported = await runGpg(['--batch', '--armor', '--export', '--', keyId], options);
  if (exported.length > 0) return exported;
  throw new SignatureError('gpg-failed', `Cannot export the key "${keyId}" from gpg: it has no such key`, {
    hint: 'List the keys with: gpg --list-keys',
    data: { keyId },
  });
}

async function runGpg(
  args: readonly string[],
  { program = process.env.REGRAFT_GPG || 'gpg', passphrase, signal }: GpgOptions,
  input?: Uint8Array,
): Promise<Uint8Array> {
  const unattended = passphrase === undefined ? [] : ['--pinentry-mode', 'loopback', '--passphrase-fd', '3'];
  const secret = Buffer.from(passphrase === undefined ? '' : `${passphrase}\n`);
  const environment = { ...process.env, LC_ALL: 'C' };
  const run = {
    program,
    args: [...unattended, ...args],
    environment,
    input,
    secret,
    limit: LARGEST_OUTPUT,
    signal,
  };
  const { exitCode, output, messages } = await runProgram(run).catch((cause: unknown) => {
    signal?.throwIfAborted();
    throw gpgFailed(args, startProblem(program, cause), cause);
  });
  if (exitCode === 0) return output;
  const reason = reasonIn(Buffer.from(messages).toString('utf8')) || `it exited with ${exitCode}`;
  throw gpgFailed(args, reason);
}

function startProblem(program: string, cause: unknown): string {
  if (cause instanceof TooMuchOutput) return 'its output is too large';
  return systemErrorCode(cause) === 'ENOENT' ? `"${program}" was not found` : String(cause);
}

function reasonIn(messages: string): string {
  const lines = messages
    .split('\n')
    .map((line) => withoutControlCharacters(line.replace(/^gpg: /, '').trim()));
  return lines
    .filter((line) => line !== '')
    .join('; ')
    .slice(0, LONGEST_REASON);
}

function gpgFailed(args: readonly string[], reason: string, cause?: unknown): SignatureError {
  const action = args.find((arg) => /^--(clearsign|export|list)/.test(arg)) ?? '';
  return new SignatureError('gpg-failed', `Cannot run gpg ${action}: ${reason}`, {
    cause,
    hint: 'Check that gpg works on its own, or sign with a key file: --key FILE',
    data: { action, reason },
  });
}
