// Who is believed when metadata is read: made of a keyring, and handed to build caches, which know nothing of signatures themselves.
import { SignatureError } from '../../core/errors.js';
import type { Trust } from '../../mirror/build-cache.js';
import { extractClearsigned, verifyClearsigned } from '../../signature/clearsign/clearsign.js';
import { verifyDetached } from '../../signature/detached.js';
import type { Keyring } from '../../signature/keys/keyring.js';

/** Asks for no signature: signed texts are taken out of their frames. */
export const NO_TRUST: Trust = {
  isRequired: false,
  open: async (bytes, location) => ({ text: extractClearsigned(bytes, location), isVerified: false }),
  openDetached: async () => ({ isVerified: false }),
};

/** Believes what a key of the keyring signed, and nothing else. */
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
    hint: 'Install with "--no-check-signature", or configure the mirror with "signed: false"',
    data: { location },
  });
}
