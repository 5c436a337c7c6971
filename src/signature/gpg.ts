// The user's own GnuPG with its agent: lists its keys, signs, exports public keys. The only place that starts processes for
// signatures. Output of `--with-colons`: GnuPG's doc/DETAILS.

import { spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';

import { concatBytes } from '../core/bytes.js';
import { SignatureError } from '../core/errors.js';
import { systemErrorCode } from '../host/system-error.js';
import { extractClearsigned } from './clearsign/clearsign.js';
import { signableText } from './clearsign/clearsign-writer.js';
import { type KeyFacts, withoutControlCharacters } from './keys/key-facts.js';

export interface GpgOptions {
  /** The program; `REGRAFT_GPG`, else `gpg`. */
  readonly program?: string | undefined;
  /** Given to gpg in place of the agent's question. */
  readonly passphrase?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface GpgKey extends KeyFacts {
  /** Neither expired nor revoked nor disabled, and able to sign. */
  readonly canSign: boolean;
}

/** What gpg may answer at most. */
const LARGEST_OUTPUT = 256 * 1024 * 1024;
const LONGEST_REASON = 500;

/** GnuPG's numbers of public key algorithms. */
const ALGORITHMS: Readonly<Record<string, string>> = { 1: 'rsa', 17: 'dsa', 19: 'ecdsa', 22: 'eddsa' };

/**
 * The keys in the user's GnuPG whose secret part is there.
 * @throws SignatureError `gpg-failed`.
 */
export async function listGpgKeys(options: GpgOptions = {}): Promise<readonly GpgKey[]> {
  const args = ['--batch', '--with-colons', '--fixed-list-mode', '--list-secret-keys'];
  return parseSecretKeyList(Buffer.from(await runGpg(args, options)).toString('utf8'));
}

/** Reads what `gpg --with-colons --list-secret-keys` prints. */
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
    // Upper case: what the key as a whole can do now.
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
 * Signs a text as a file of its own.
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
  throw new SignatureError('gpg-failed', `Cannot sign "${source}" with gpg: it signed another text`, {
    hint: 'Check gpg.conf: no option may change what is signed',
    data: { source, fingerprint },
  });
}

/**
 * A public key, armored.
 * @throws SignatureError `gpg-failed`, also for a key that gpg does not have.
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
  input: Uint8Array = new Uint8Array(0),
): Promise<Uint8Array> {
  const unattended = passphrase === undefined ? [] : ['--pinentry-mode', 'loopback', '--passphrase-fd', '3'];
  const child = spawn(program, [...unattended, ...args], {
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
    env: { ...process.env, LC_ALL: 'C' },
    ...(signal && { signal }),
  });
  const [stdin, stdout, stderr, secret] = child.stdio;
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? -1));
  });
  const answers = Promise.all([collect(stdout), collect(stderr)]);
  send(stdin, input);
  send(secret as Writable, Buffer.from(passphrase === undefined ? '' : `${passphrase}\n`));
  try {
    const [code, [out, messages]] = await Promise.all([ended, answers]);
    if (code === 0) return out;
    throw gpgFailed(args, reasonIn(Buffer.from(messages).toString('utf8')) || `it ended with ${code}`);
  } catch (cause) {
    await answers.catch(() => {});
    signal?.throwIfAborted();
    if (cause instanceof SignatureError) throw cause;
    const reason = systemErrorCode(cause) === 'ENOENT' ? `there is no "${program}"` : String(cause);
    throw gpgFailed(args, reason, cause);
  }
}

/** gpg may end before it has read everything; that it failed says its exit code. */
function send(stream: Writable, bytes: Uint8Array): void {
  stream.on('error', () => {});
  stream.end(bytes);
}

async function collect(stream: Readable): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of stream as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > LARGEST_OUTPUT)
      throw new SignatureError('gpg-failed', 'Cannot use gpg: its output is too large');
    chunks.push(chunk);
  }
  return concatBytes(chunks);
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
    hint: 'Check that gpg works by itself, or sign with a key file: --key FILE',
    data: { action, reason },
  });
}
