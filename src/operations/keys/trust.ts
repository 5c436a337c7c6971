// Decides which signed metadata to trust, based on a keyring. Passed to build caches, which know nothing about signatures.
import { SignatureError } from '../../core/errors.js';
import type { Trust } from '../../mirror/build-cache.js';
import { extractClearsigned, verifyClearsigned } from '../../signature/clearsign/clearsign.js';
import { verifyDetached } from '../../signature/detached.js';
import type { Keyring } from '../../signature/keys/keyring.js';

/** Requires no signatures: signed text is extracted without verification. */
export const NO_TRUST: Trust = {
  isRequired: false,
  open: async (bytes, location) => ({ text: extractClearsigned(bytes, location), isVerified: false }),
  openDetached: async () => ({ isVerified: false }),
};

/** Trusts only text signed by a key of the keyring. */
export function trustKeyring(keyring: Keyring): Trust {
  return {
    isRequired: true,
    async open(bytes, location) {
      const { text } = await verifyClearsigned(bytes, keyring, location);
      return { text, isVerified: true };
    },
    async openDetached(text, signature, location) {
      if (signature === undefined) throw unsigned(location);
      await verifyDetached(text, signature, keyring, location);
      return { isVerified: true };
    },
  };
}

function unsigned(location: string): SignatureError {
  return new SignatureError('signature-missing', `Cannot use "${location}": it is not signed`, {
    hint: 'Use --no-check-signature, or configure the mirror with "signed: false"',
    data: { location },
  });
}
