// Clearsigned texts, as specfiles and manifests are signed (RFC 9580 §7): only the text that the signature covers is used.

import type { Keyring } from '../keys/keyring.js';
import { type Signer, verifySignature } from '../verify.js';
import { parseClearsigned } from './clearsign-block.js';

export interface VerifiedText extends Signer {
  /** Exactly what the signature covers, lines joined by LF. */
  readonly text: Uint8Array;
}

/**
 * Verifies a clearsigned file and returns the signed text.
 * @param source Where the bytes came from, for messages.
 * @throws SignatureError `signature-missing`, `signature-malformed`, `signature-unknown-key`, `signature-invalid`.
 */
export async function verifyClearsigned(
  bytes: Uint8Array,
  keyring: Keyring,
  source: string,
): Promise<VerifiedText> {
  const { text, signature } = parseClearsigned(bytes, source);
  const signer = await verifySignature({ data: text, signature, kind: 'text', keyring, source });
  return { text, ...signer };
}

/**
 * Returns the text of a clearsigned file without a look at who signed it.
 * @throws SignatureError `signature-missing`, `signature-malformed`.
 */
export function extractClearsigned(bytes: Uint8Array, source: string): Uint8Array {
  return parseClearsigned(bytes, source).text;
}
