// The keys that the user trusts: files named on the command line, and those in the trusted-keys folder. Being there is
// what makes a key trusted; keys found on a mirror never get here by themselves.

import { readdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Key } from 'openpgp';

import { systemErrorCode } from '../../host/system-error.js';
import { parsePublicKeys, readKeyFile, unreadableKey } from './key-file.js';
import { mergeKey } from './public-key.js';

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

/** The key files of a folder, sorted by name; a folder that is not there has none. */
export async function listKeyFiles(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    const names = entries
      .filter((entry) => !entry.isDirectory() && isKeyFileName(entry.name))
      .map((entry) => entry.name);
    return names.sort().map((name) => join(folder, name));
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return [];
    throw unreadableKey(folder, error);
  }
}

/** Hidden files and what editors leave behind are not keys. */
function isKeyFileName(name: string): boolean {
  return !name.startsWith('.') && !name.endsWith('~');
}

async function addKeys(keys: Map<string, Key>, bytes: Uint8Array, source: string): Promise<void> {
  for (const key of await parsePublicKeys(bytes, source)) await mergeKey(keys, key, source);
}
