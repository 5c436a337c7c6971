// The keys that the user trusts: files named on the command line, and those in the trusted-keys folder. Being there is
// what makes a key trusted; keys found on a mirror never get here by themselves.

import { readdir, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Key } from 'openpgp';

import { SignatureError } from '../core/errors.js';
import { parseArmoredBlocks } from './armor.js';
import { loadOpenPgp, verificationConfig } from './openpgp.js';

export interface KeyringSources {
  /** Key files, armored or binary, each with one key or several. */
  readonly files?: readonly string[] | undefined;
  /** A folder of such files; one that is not there holds no keys. */
  readonly trustedKeysFolder?: string | undefined;
}

/** A set of trusted public keys. */
export class Keyring {
  /** For messages: where a key would have to be put to be trusted. */
  readonly folder: string | undefined;
  readonly #keys: ReadonlyMap<string, Key>;

  private constructor(keys: ReadonlyMap<string, Key>, folder: string | undefined) {
    this.#keys = keys;
    this.folder = folder;
  }

  /**
   * Reads all keys of the sources.
   * @throws SignatureError `key-unreadable` naming the file that cannot be read or holds no key.
   */
  static async load({ files = [], trustedKeysFolder }: KeyringSources): Promise<Keyring> {
    const trusted = trustedKeysFolder === undefined ? [] : await listKeyFiles(trustedKeysFolder);
    const keys = new Map<string, Key>();
    for (const file of [...files, ...trusted]) await addKeys(keys, await readKeyFile(file), file);
    return new Keyring(keys, trustedKeysFolder);
  }

  /** A keyring from key files that are already in memory; `source` names them in messages. */
  static async fromBytes(bytes: Uint8Array, source: string): Promise<Keyring> {
    const keys = new Map<string, Key>();
    await addKeys(keys, bytes, source);
    return new Keyring(keys, undefined);
  }

  /** Upper-case fingerprints of the primary keys. */
  get fingerprints(): readonly string[] {
    return [...this.#keys.keys()];
  }

  get keys(): readonly Key[] {
    return [...this.#keys.values()];
  }
}

/** `$XDG_CONFIG_HOME/regraft/trusted-keys`. */
export function defaultTrustedKeysFolder(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): string {
  const configured = environment.XDG_CONFIG_HOME;
  const base = configured?.startsWith('/') ? configured : join(environment.HOME ?? homedir(), '.config');
  return join(base, 'regraft', 'trusted-keys');
}

async function listKeyFiles(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    const names = entries
      .filter((entry) => !entry.isDirectory() && isKeyFileName(entry.name))
      .map((entry) => entry.name);
    return names.sort().map((name) => join(folder, name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw unreadable(folder, error);
  }
}

/** Hidden files and what editors leave behind are not keys. */
function isKeyFileName(name: string): boolean {
  return !name.startsWith('.') && !name.endsWith('~');
}

async function readKeyFile(file: string): Promise<Uint8Array> {
  return readFile(file).catch((error: unknown) => {
    throw unreadable(file, error);
  });
}

async function addKeys(keys: Map<string, Key>, bytes: Uint8Array, source: string): Promise<void> {
  const openpgp = await loadOpenPgp();
  const config = verificationConfig(openpgp);
  try {
    for (const block of keyBlocks(bytes)) {
      for (const key of await openpgp.readKeys({ binaryKeys: block, config }))
        await mergeKey(keys, requireComplete(key));
    }
  } catch (error) {
    throw unreadable(source, error);
  }
}

/** The library reads what is left of a key file that was cut off; such a key could never verify anything. */
function requireComplete(key: Key): Key {
  const { version } = key.keyPacket as { readonly version?: number };
  const isSelfSigned = key.users.some((user) => user.selfCertifications.length > 0);
  if (version === 4 && !isSelfSigned) throw new Error('the key is not complete, it has no self-signature');
  return key.toPublic();
}

/** Two copies of a key count as one with what both say: a later expiry, a revocation. */
async function mergeKey(keys: Map<string, Key>, key: Key): Promise<void> {
  const fingerprint = key.getFingerprint().toUpperCase();
  const known = keys.get(fingerprint);
  keys.set(fingerprint, known === undefined ? key : await known.update(key));
}

/** The binary key blocks of a file. */
function keyBlocks(bytes: Uint8Array): readonly Uint8Array[] {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
  if (!/^-----BEGIN PGP /m.test(text)) {
    if (bytes.length === 0) throw new Error('the file is empty');
    return [bytes];
  }
  const blocks = parseArmoredBlocks(text);
  if (blocks === undefined) throw new Error('the armor is damaged');
  const keys = blocks.filter(
    ({ kind }) => kind === 'PGP PUBLIC KEY BLOCK' || kind === 'PGP PRIVATE KEY BLOCK',
  );
  if (keys.length === 0) throw new Error('there is no key block');
  return keys.map((block) => block.bytes);
}

function unreadable(file: string, cause: unknown): SignatureError {
  const reason =
    (cause as NodeJS.ErrnoException).code ?? (cause instanceof Error ? cause.message : String(cause));
  return new SignatureError('key-unreadable', `Cannot read keys from "${file}": ${reason}`, {
    cause,
    hint: 'Export it with: gpg --armor --export FINGERPRINT',
    data: { file, reason },
  });
}
