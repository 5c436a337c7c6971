// The trusted-keys folder: being in it is what makes a key trusted, so nothing gets here that the user did not name.

import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { concatBytes } from '../../core/bytes.js';
import { SignatureError } from '../../core/errors.js';
import { replaceFile } from '../../host/replace-file.js';
import { temporaryName } from '../../host/temporary-name.js';
import { readKeyFile, unreadableKey } from './key-file.js';
import { listKeyFiles } from './keyring.js';
import { type PublicKey, type PublicKeyFile, readPublicKeys } from './public-key.js';

export interface TrustedKey extends PublicKey {
  /** Where it lies; it may share the file with other keys. */
  readonly file: string;
}

export class TrustedKeys {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  /**
   * All keys of the folder, by file.
   * @throws SignatureError `key-unreadable` naming the file.
   */
  async list(): Promise<readonly TrustedKey[]> {
    const keys: TrustedKey[] = [];
    for (const file of await listKeyFiles(this.folder)) {
      for (const key of await readPublicKeys(await readKeyFile(file), file)) keys.push({ ...key, file });
    }
    return keys;
  }

  /**
   * Trusts a key: puts it into the folder, in place of an older copy of it.
   * @throws SignatureError `key-unreadable` when the folder cannot be written.
   */
  async add({ fingerprint, armored }: PublicKeyFile): Promise<string> {
    const file = join(this.folder, `${fingerprint}.pub`);
    await this.#replace(file, armored);
    return file;
  }

  /**
   * Stops trusting a key: removes it from every file that holds it.
   * @throws SignatureError `key-missing` when no file does, `key-unreadable`.
   */
  async remove(fingerprint: string): Promise<readonly string[]> {
    const keys = await this.list();
    const wanted = fingerprint.replaceAll(' ', '').toUpperCase();
    const files = new Set(keys.filter((key) => key.fingerprint === wanted).map(({ file }) => file));
    if (files.size === 0) throw this.#notTrusted(fingerprint);
    for (const file of files) {
      const others = keys.filter((key) => key.file === file && key.fingerprint !== wanted);
      if (others.length > 0) await this.#replace(file, concatBytes(others.map(({ armored }) => armored)));
      else await this.#attempt(file, () => rm(file));
    }
    return [...files];
  }

  async #replace(file: string, content: Uint8Array): Promise<void> {
    const temporary = join(this.folder, `.${temporaryName()}.temp`);
    await this.#attempt(file, async () => {
      await mkdir(this.folder, { recursive: true, mode: 0o700 });
      replaceFile({ path: file, content, temporary, mode: 0o644 });
    });
  }

  async #attempt(file: string, action: () => Promise<void>): Promise<void> {
    try {
      await action();
    } catch (cause) {
      const { message, data } = unreadableKey(file, cause);
      throw new SignatureError('key-unreadable', message.replace('read keys from', 'change'), {
        cause,
        data,
      });
    }
  }

  #notTrusted(fingerprint: string): SignatureError {
    return new SignatureError(
      'key-missing',
      `Cannot untrust "${fingerprint}": no trusted key has this fingerprint`,
      {
        hint: 'List the trusted keys with: regraft keys list',
        data: { fingerprint, folder: this.folder },
      },
    );
  }
}
