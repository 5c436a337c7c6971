// Detached signatures (RFC 9580 §10.4), as layout 0 has them in a file of their own beside the signed one.

import { SignatureError } from '../core/errors.js';
import { parseArmoredBlocks } from './armor.js';
import type { Keyring } from './keys/keyring.js';
import { type Signer, verifySignature } from './verify.js';

/**
 * Verifies data against a detached signature, armored or binary.
 * @param source The signed file, for messages.
 * @throws SignatureError `signature-missing`, `signature-malformed`, `signature-unknown-key`, `signature-invalid`.
 */
export async function verifyDetached(
  data: Uint8Array,
  signature: Uint8Array,
  keyring: Keyring,
  source: string,
): Promise<Signer> {
  return verifySignature({ data, signature: unarmor(signature, source), kind: 'any', keyring, source });
}

function unarmor(signature: Uint8Array, source: string): Uint8Array {
  const text = Buffer.from(signature.buffer, signature.byteOffset, signature.length).toString('latin1');
  if (text.trim() === '') {
    throw new SignatureError('signature-missing', `Cannot verify "${source}": its signature is empty`, {
      data: { source },
    });
  }
  if (!text.trimStart().startsWith('-----BEGIN PGP ')) return signature;
  const blocks = parseArmoredBlocks(text.trim());
  const [block] = blocks ?? [];
  if (block !== undefined && blocks?.length === 1 && block.kind === 'PGP SIGNATURE') return block.bytes;
  throw new SignatureError(
    'signature-malformed',
    `Cannot verify "${source}": its signature is not one armored block`,
    {
      data: { source },
    },
  );
}
