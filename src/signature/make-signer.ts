// What signs the specfiles of a push: a secret key from a file, or the user's GnuPG (Spack `select_signing_key`).

import { stat } from 'node:fs/promises';

import { encodeUtf8 } from '../core/bytes.js';
import type { SignatureError } from '../core/errors.js';
import { exportFromGpg, type GpgKey, listGpgKeys, signWithGpg } from './gpg.js';
import { fingerprintOf } from './keys/key-facts.js';
import type { PublicKeyFile } from './keys/public-key.js';
import { ambiguousKey, noSuchKey, readSigningKey } from './keys/signing-key.js';
import { signClearsigned } from './sign.js';

export interface TextSigner {
  /** Signs a text as a file of its own; `source` names it in messages. */
  readonly sign: (text: Uint8Array, source?: string) => Promise<Uint8Array>;
  /** The key that verifies it, to be published beside what was signed. */
  readonly publicKey: PublicKeyFile;
}

export interface SignerRequest {
  /**
   * `FILE`, or `FILE#FINGERPRINT` for a file with several keys; `gpg` for the only key of the user's GnuPG, or `gpg:ID`, where ID
   * is the end of a fingerprint or a part of a user id.
   */
  readonly key: string | undefined;
  readonly passphrase?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

const HOW_TO_MAKE =
  'Make a key with: gpg --quick-generate-key "Name <mail>" rsa4096 sign, then name it with --key gpg, or name a key file with --key FILE; --unsigned publishes without';

/**
 * Opens the key to sign with; what can be wrong with it fails here, before anything is packed.
 * @throws SignatureError `key-missing`, `key-ambiguous` (both list what there is), `key-unreadable`, `key-unusable`, `key-locked`,
 * `gpg-failed`.
 */
export async function makeSigner(request: SignerRequest): Promise<TextSigner> {
  if (request.key === undefined || request.key === '') throw await noKeyChosen(request);
  const gpgId = /^gpg(?::(.*))?$/s.exec(request.key);
  return gpgId === null ? signerOfFile(request.key, request) : signerOfGpg(gpgId[1] ?? '', request);
}

async function signerOfFile(reference: string, { passphrase }: SignerRequest): Promise<TextSigner> {
  const key = await readSigningKey({ ...(await splitReference(reference)), passphrase });
  return {
    sign: (text, source) => signClearsigned(text, source === undefined ? { key } : { key, source }),
    publicKey: { fingerprint: fingerprintOf(key), armored: encodeUtf8(key.toPublic().armor()) },
  };
}

/** A "#" may also be a part of the file's name. */
async function splitReference(reference: string): Promise<{ file: string; keyId?: string }> {
  const at = reference.lastIndexOf('#');
  if (at < 0 || (await stat(reference).catch(() => undefined)) !== undefined) return { file: reference };
  return { file: reference.slice(0, at), keyId: reference.slice(at + 1) };
}

async function signerOfGpg(id: string, { passphrase, signal }: SignerRequest): Promise<TextSigner> {
  const options = { passphrase, signal };
  const { fingerprint } = chooseGpgKey(await listGpgKeys(options), id);
  const sign = (text: Uint8Array, source = 'the text') =>
    signWithGpg(text, { ...options, fingerprint, source });
  // Asks for the passphrase now, and once: the agent remembers it.
  await sign(encodeUtf8('{}'));
  return { sign, publicKey: { fingerprint, armored: await exportFromGpg(fingerprint, options) } };
}

function chooseGpgKey(keys: readonly GpgKey[], id: string): GpgKey {
  const usable = keys.filter((key) => key.canSign);
  const fitting = id === '' ? usable : usable.filter((key) => isNamed(key, id));
  const [only, ...more] = fitting;
  if (only !== undefined && more.length === 0) return only;
  if (only !== undefined)
    throw ambiguousKey('gpg has several', fitting, 'Name one with --key gpg:FINGERPRINT');
  if (usable.length === 0) throw noSuchKey('gpg has no secret key that can sign', [], HOW_TO_MAKE);
  throw noSuchKey(`gpg has no such key "${id}", but these`, usable, 'Name one with --key gpg:FINGERPRINT');
}

function isNamed({ fingerprint, userIds }: GpgKey, id: string): boolean {
  const hex = id.replaceAll(' ', '').replace(/^0x/i, '').toUpperCase();
  if (/^[0-9A-F]{8,}$/.test(hex)) return fingerprint.endsWith(hex);
  return userIds.some((userId) => userId.toLowerCase().includes(id.toLowerCase()));
}

/** Nobody said which key; what GnuPG has is shown, but not used without being asked for. */
async function noKeyChosen({ signal }: SignerRequest): Promise<SignatureError> {
  const keys = await listGpgKeys({ signal }).catch(() => []);
  signal?.throwIfAborted();
  const usable = keys.filter((key) => key.canSign);
  if (usable.length === 0) return noSuchKey('no key is given, and gpg has none', [], HOW_TO_MAKE);
  return ambiguousKey(
    'none is named, and gpg has',
    usable,
    'Name one with --key gpg:FINGERPRINT or --key FILE, or publish with --unsigned',
  );
}
