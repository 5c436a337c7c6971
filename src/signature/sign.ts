// Makes the clearsigned texts of a signed build cache (RFC 9580 §7; Spack `sign_specfile`) with a secret key in memory.

import type { PrivateKey, SignaturePacket } from 'openpgp';

import { SignatureError } from '../core/errors.js';
import { formatClearsigned, signableText } from './clearsign/clearsign-writer.js';
import { fingerprintOf } from './keys/key-facts.js';
import { loadOpenPgp, type OpenPgp, verificationConfig } from './openpgp.js';

export interface SignOptions {
  /** With its secret part unlocked. */
  readonly key: PrivateKey;
  /** How messages name the text. */
  readonly source?: string;
  /** The time to sign with; now unless told. */
  readonly date?: Date;
}

/**
 * Signs a text as a file of its own. GnuPG's `--decrypt` gives the text back, with a final newline where it had none.
 * @throws SignatureError `text-not-signable`; `key-unusable` for a key that cannot sign at that time.
 */
export async function signClearsigned(text: Uint8Array, options: SignOptions): Promise<Uint8Array> {
  const { key, source = 'the text', date = new Date() } = options;
  const signable = signableText(text, source);
  const openpgp = await loadOpenPgp();
  const config = signingConfig(openpgp);
  const message = await openpgp.createMessage({ text: decodeExactly(signable) });
  try {
    const binarySignature = await openpgp.sign({
      message,
      signingKeys: key,
      detached: true,
      format: 'binary',
      date,
      config,
    });
    const signature = await openpgp.readSignature({ binarySignature, config });
    const [packet] = signature.packets;
    return formatClearsigned({
      text: signable,
      signature: signature.armor(config),
      hashName: hashName(openpgp, packet),
    });
  } catch (cause) {
    throw unusableKey(key, reasonOf(cause), cause);
  }
}

/**
 * Refuses a key that cannot sign now, or whose signatures no GnuPG 2.2 can verify.
 * @throws SignatureError `key-unusable`.
 */
export async function requireSigningKey(key: PrivateKey, date = new Date()): Promise<void> {
  const openpgp = await loadOpenPgp();
  let packet: { readonly version?: number; readonly algorithm?: number | null };
  try {
    packet = (await key.getSigningKey(undefined, date, undefined, signingConfig(openpgp))).keyPacket;
  } catch (cause) {
    throw unusableKey(key, reasonOf(cause), cause);
  }
  const { publicKey } = openpgp.enums;
  const known: readonly number[] = [
    publicKey.rsaEncryptSign,
    publicKey.rsaSign,
    publicKey.ecdsa,
    publicKey.eddsaLegacy,
  ];
  if (packet.version === 4 && known.includes(packet.algorithm ?? -1)) return;
  throw unusableKey(key, 'GnuPG 2.2 does not know keys of its kind, so no Spack could verify the signature');
}

function unusableKey(key: PrivateKey, reason: string, cause?: unknown): SignatureError {
  const fingerprint = fingerprintOf(key);
  return new SignatureError('key-unusable', `Cannot sign with the key "${fingerprint}": ${reason}`, {
    cause,
    hint: 'Make one with: gpg --quick-generate-key "Name <mail>" rsa4096 sign',
    data: { fingerprint, reason },
  });
}

/** SHA-512 goes with every curve that GnuPG has. */
function signingConfig(openpgp: OpenPgp): ReturnType<typeof verificationConfig> {
  const { enums } = openpgp;
  return {
    ...verificationConfig(openpgp),
    preferredHashAlgorithm: enums.hash.sha512,
    showVersion: false,
    showComment: false,
  };
}

function decodeExactly(text: Uint8Array): string {
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(text);
}

function hashName({ enums }: OpenPgp, packet: SignaturePacket | undefined): string {
  return enums.read(enums.hash, packet?.hashAlgorithm ?? enums.hash.sha512).toUpperCase();
}

function reasonOf(cause: unknown): string {
  const message = cause instanceof Error ? cause.message : String(cause);
  return message.charAt(0).toLowerCase() + message.slice(1);
}
