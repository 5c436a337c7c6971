// The OpenPGP library, loaded at first use (90 ms that unsigned mirrors need not pay), and our requirements for signatures.

import type { Config } from 'openpgp';

export type OpenPgp = typeof import('openpgp');

export function loadOpenPgp(): Promise<OpenPgp> {
  return import('openpgp');
}

/** All requirements are explicit, so that a host program that changes the library's global settings cannot weaken them. */
export function verificationConfig({ enums, config }: OpenPgp): Config {
  return {
    ...config,
    // A 2048-bit RSA modulus may have 2047 significant bits.
    minRSABits: 2047,
    rejectHashAlgorithms: new Set([enums.hash.md5, enums.hash.ripemd]),
    // SHA-1 is accepted only for binding a key's own parts: old keys have nothing else.
    rejectMessageHashAlgorithms: new Set([enums.hash.md5, enums.hash.ripemd, enums.hash.sha1]),
    rejectPublicKeyAlgorithms: new Set([enums.publicKey.elgamal, enums.publicKey.dsa]),
    rejectCurves: new Set([enums.curve.secp256k1]),
    // A key whose expiry was extended after the signature was made has only self-signatures newer than that signature.
    allowInsecureVerificationWithReformattedKeys: true,
    ignoreUnsupportedPackets: true,
    ignoreMalformedPackets: false,
    enforceGrammar: true,
    knownNotations: [],
  };
}
