// Clearsigned metadata: what it says, who signed it, and whether that is somebody trusted.
import { SignatureError } from '../../core/errors.js';
import { extractClearsigned, verifyClearsigned } from '../../signature/clearsign/clearsign.js';
import type { Keyring } from '../../signature/keys/keyring.js';

export type InspectedSignature =
  | {
      readonly verified: true;
      /** Of the primary key. */
      readonly fingerprint: string;
      readonly userId: string | undefined;
      readonly signedAt: Date;
    }
  | {
      readonly verified: false;
      /** As the signature has it; a fingerprint is not in every signature. */
      readonly keyId: string | undefined;
      readonly fingerprint: string | undefined;
      /** `signature-unknown-key` or `signature-invalid`. */
      readonly error: SignatureError;
    };

export interface InspectedText {
  /** What the signature covers. */
  readonly text: Uint8Array;
  readonly signature: InspectedSignature;
}

/**
 * Opens a clearsigned file; a signature that does not hold is a fact about it.
 * @throws SignatureError `signature-malformed`, `key-unreadable`
 */
export async function inspectSigned(
  bytes: Uint8Array,
  source: string,
  keyring: Keyring,
): Promise<InspectedText> {
  const text = extractClearsigned(bytes, source);
  try {
    const { fingerprint, userId, signedAt } = await verifyClearsigned(bytes, keyring, source);
    return { text, signature: { verified: true, fingerprint, userId, signedAt } };
  } catch (error) {
    if (!(error instanceof SignatureError) || error.code === 'signature-malformed') throw error;
    const { keyId, fingerprint } = error.data;
    return {
      text,
      signature: { verified: false, keyId: textOf(keyId), fingerprint: textOf(fingerprint), error },
    };
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
