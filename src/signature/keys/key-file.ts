// Files of OpenPGP keys (RFC 9580 §10.1, §10.2), armored or binary, with one key or several; public and secret ones.

import { readFile } from 'node:fs/promises';
import type { Key, PrivateKey } from 'openpgp';

import { BuildcacheError, SignatureError } from '../../core/errors.js';
import { describeSystemError, systemErrorCode } from '../../host/system-error.js';
import { parseArmoredBlocks } from '../armor.js';
import { loadOpenPgp, verificationConfig } from '../openpgp.js';

/** Key rings of large sites have some megabytes. */
const LARGEST_KEY_FILE = 64 * 1024 * 1024;

/**
 * Reads a key file.
 * @throws SignatureError `key-unreadable`.
 */
export async function readKeyFile(file: string): Promise<Uint8Array> {
  return readFile(file).catch((error: unknown) => {
    throw unreadableKey(file, error);
  });
}

/**
 * The public keys of a key file, also of one that holds secret keys.
 * @param source How messages name the file.
 * @throws SignatureError `key-unreadable` when the file holds no key, or one that is broken.
 */
export async function parsePublicKeys(bytes: Uint8Array, source: string): Promise<readonly Key[]> {
  return (await parseKeys(bytes, source)).map((key) => key.toPublic());
}

/**
 * The secret keys of a key file.
 * @throws SignatureError `key-unreadable`; `key-unusable` when the file holds public keys only.
 */
export async function parseSecretKeys(bytes: Uint8Array, source: string): Promise<readonly PrivateKey[]> {
  const keys = (await parseKeys(bytes, source)).filter((key): key is PrivateKey => key.isPrivate());
  if (keys.length > 0) return keys;
  throw new SignatureError('key-unusable', `Cannot sign with "${source}": it holds public keys only`, {
    hint: 'Export the secret key with: gpg --armor --export-secret-keys FINGERPRINT',
    data: { file: source },
  });
}

async function parseKeys(bytes: Uint8Array, source: string): Promise<readonly Key[]> {
  const openpgp = await loadOpenPgp();
  const config = verificationConfig(openpgp);
  try {
    const keys: Key[] = [];
    for (const block of keyBlocks(bytes)) {
      for (const key of await openpgp.readKeys({ binaryKeys: block, config }))
        keys.push(requireComplete(key));
    }
    if (keys.length === 0) throw new Error('there is no key in it');
    return keys;
  } catch (error) {
    throw unreadableKey(source, error);
  }
}

/** The library reads what is left of a key file that was cut off; such a key could never verify anything. */
function requireComplete(key: Key): Key {
  const { version } = key.keyPacket as { readonly version?: number };
  const isSelfSigned = key.users.some((user) => user.selfCertifications.length > 0);
  if (version === 4 && !isSelfSigned) throw new Error('the key is not complete, it has no self-signature');
  return key;
}

/** The binary key blocks of a file. */
function keyBlocks(bytes: Uint8Array): readonly Uint8Array[] {
  if (bytes.length > LARGEST_KEY_FILE) throw new Error(`the file is larger than ${LARGEST_KEY_FILE} bytes`);
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

/** The error of a key file that cannot be used; an error that has a code stays what it is. */
export function unreadableKey(file: string, cause: unknown): BuildcacheError {
  if (cause instanceof BuildcacheError) return cause;
  const code = systemErrorCode(cause);
  const message = cause instanceof Error ? cause.message : String(cause);
  const reason = code === undefined ? message : describeSystemError(cause);
  return new SignatureError('key-unreadable', `Cannot read keys from "${file}": ${reason}`, {
    cause,
    hint: 'Export it with: gpg --armor --export FINGERPRINT',
    data: { file, reason: code ?? message },
  });
}
