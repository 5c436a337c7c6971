// The passphrase of a signing key: from a file that was named, else from the environment.
import { readFile } from 'node:fs/promises';
import { UsageError } from '../core/errors.js';

/** Reads the first line of the file, as GnuPG does. */
export async function passphraseOf({
  passphraseFile,
}: {
  readonly passphraseFile?: string | undefined;
}): Promise<string | undefined> {
  if (passphraseFile === undefined) return process.env.REGRAFT_PASSPHRASE;
  try {
    return (await readFile(passphraseFile, 'utf8')).split(/\r?\n/, 1)[0];
  } catch (cause) {
    throw new UsageError('usage', `Cannot read the passphrase from "${passphraseFile}"`, { cause });
  }
}
