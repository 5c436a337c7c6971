// Judges OpenPGP signatures by the keys of a keyring: at least one good signature by a trusted key, and no bad one.
// A key must have been valid when it signed; a revocation because of compromise counts whenever the signature was made.

import type { Key, KeyID, Signature, SignaturePacket } from 'openpgp';

import { SignatureError } from '../core/errors.js';
import type { Keyring } from './keys/keyring.js';
import { loadOpenPgp, type OpenPgp, verificationConfig } from './openpgp.js';

/** Each signature costs a public key operation, so hostile input must not bring thousands. */
const MAX_SIGNATURES = 16;

/** Who vouches for the bytes. */
export interface Signer {
  /** Of the primary key, upper case. */
  readonly fingerprint: string;
  readonly userId: string | undefined;
  readonly signedAt: Date;
}

export interface SignatureCheck {
  readonly data: Uint8Array;
  /** Signature packets, binary. */
  readonly signature: Uint8Array;
  /** `text`: line ends do not count, and only text signatures do. */
  readonly kind: 'text' | 'any';
  readonly keyring: Keyring;
  readonly source: string;
}

/**
 * Verifies signature packets over data.
 * @throws SignatureError `signature-unknown-key` when no signer is in the keyring, `signature-invalid` when a trusted
 * key's signature is bad, `signature-malformed` when there are no signature packets.
 */
export async function verifySignature(check: SignatureCheck): Promise<Signer> {
  const openpgp = await loadOpenPgp();
  const signature = await readSignature(openpgp, check);
  const packets = signaturePackets(openpgp, signature, check.source);
  const known = packets.filter((packet) => findKey(check.keyring, packet.issuerKeyID) !== undefined);
  if (known.length === 0) throw unknownKey(packets, check);
  const wrong = known.find((packet) => !isAllowedType(openpgp, packet, check.kind));
  if (wrong !== undefined) throw invalid(check, wrong.issuerKeyID, 'it is not a signature of a text');
  const [first] = await verifyPackets(openpgp, signature, check);
  if (first === undefined) throw unknownKey(packets, check);
  return first;
}

async function readSignature(openpgp: OpenPgp, { signature, source }: SignatureCheck): Promise<Signature> {
  try {
    return await openpgp.readSignature({ binarySignature: signature, config: verificationConfig(openpgp) });
  } catch (cause) {
    throw malformed(source, 'the signature cannot be parsed', cause);
  }
}

function signaturePackets(
  openpgp: OpenPgp,
  signature: Signature,
  source: string,
): readonly SignaturePacket[] {
  const packets = [...signature.packets].filter((packet) => packet instanceof openpgp.SignaturePacket);
  if (packets.length === 0) throw malformed(source, 'there is no signature of a known version', undefined);
  if (packets.length > MAX_SIGNATURES)
    throw malformed(source, `there are ${packets.length} signatures`, undefined);
  return packets;
}

async function verifyPackets(
  openpgp: OpenPgp,
  signature: Signature,
  check: SignatureCheck,
): Promise<readonly Signer[]> {
  const message = await openpgp.createMessage({ binary: check.data });
  const { signatures } = await openpgp.verify({
    message,
    signature,
    verificationKeys: [...check.keyring.keys],
    format: 'binary',
    config: verificationConfig(openpgp),
  });
  const signers: Signer[] = [];
  for (const { keyID, verified, signature: single } of signatures) {
    const key = findKey(check.keyring, keyID);
    if (key === undefined) continue;
    await verified.catch((cause: unknown) => {
      throw invalid(check, keyID, reasonOf(cause), cause);
    });
    signers.push(await describeSigner(key, (await single).packets[0]));
  }
  return signers;
}

async function describeSigner(key: Key, packet: SignaturePacket | undefined): Promise<Signer> {
  const user = await key.getPrimaryUser().catch(() => undefined);
  return {
    fingerprint: key.getFingerprint().toUpperCase(),
    userId: user?.user.userID?.userID ?? key.getUserIDs()[0],
    signedAt: packet?.created ?? new Date(0),
  };
}

function findKey(keyring: Keyring, keyId: KeyID): Key | undefined {
  return keyring.keys.find((key) => key.getKeys(keyId).length > 0);
}

function isAllowedType({ enums }: OpenPgp, packet: SignaturePacket, kind: SignatureCheck['kind']): boolean {
  const { signatureType } = packet;
  return (
    signatureType === enums.signature.text || (kind === 'any' && signatureType === enums.signature.binary)
  );
}

function reasonOf(cause: unknown): string {
  const message = cause instanceof Error ? cause.message : String(cause);
  return message.charAt(0).toLowerCase() + message.slice(1);
}

function invalid({ source }: SignatureCheck, keyId: KeyID, reason: string, cause?: unknown): SignatureError {
  const key = hex(keyId);
  return new SignatureError(
    'signature-invalid',
    `Cannot verify "${source}": the signature by "${key}" is bad: ${reason}`,
    {
      cause,
      data: { source, keyId: key, reason },
    },
  );
}

function unknownKey(
  packets: readonly SignaturePacket[],
  { source, keyring }: SignatureCheck,
): SignatureError {
  const keyIds = packets.map((packet) => hex(packet.issuerKeyID));
  const [fingerprint] = packets.flatMap(({ issuerFingerprint }) =>
    issuerFingerprint ? [hexBytes(issuerFingerprint)] : [],
  );
  const folder = keyring.folder === undefined ? '' : `, or put it into "${keyring.folder}"`;
  const message = `Cannot verify "${source}": no trusted key "${fingerprint ?? keyIds.join('", "')}"`;
  return new SignatureError('signature-unknown-key', message, {
    hint: `Get the public key from its owner and name its file with --keyring${folder}`,
    data: { source, keyId: keyIds[0], keyIds, fingerprint },
  });
}

function malformed(source: string, reason: string, cause: unknown): SignatureError {
  return new SignatureError('signature-malformed', `Cannot verify "${source}": ${reason}`, {
    cause,
    data: { source, reason },
  });
}

function hex(keyId: KeyID): string {
  return keyId.toHex().toUpperCase();
}

function hexBytes(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex').toUpperCase();
}
