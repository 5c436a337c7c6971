// Keys and signatures made at run time, so that tests can have any age, algorithm and flaw they need.

import * as openpgp from 'openpgp';
import { Keyring } from '../../src/signature/keys/keyring.js';

export interface KeyOptions {
  readonly type?: 'ed25519' | 'rsa';
  readonly bits?: number;
  readonly created?: Date;
  /** Seconds from its creation. */
  readonly lifetime?: number;
  readonly signingSubkey?: boolean;
}

const MADE = new Date('2024-01-10T00:00:00Z');
export const SIGNED = new Date('2024-01-15T12:00:00Z');

export async function makeKey({
  type = 'ed25519',
  bits,
  created = MADE,
  lifetime = 0,
  signingSubkey,
}: KeyOptions = {}) {
  const algorithm =
    type === 'rsa' ? { type: 'rsa' as const, rsaBits: bits ?? 2048 } : { type: 'curve25519' as const };
  const { privateKey } = await openpgp.generateKey({
    ...algorithm,
    userIDs: [{ name: 'Run-time Key', email: 'test@example.invalid' }],
    date: created,
    keyExpirationTime: lifetime,
    format: 'object',
    ...(signingSubkey && { subkeys: [{ sign: true }] }),
    config: { minRSABits: 1024 },
  });
  return privateKey;
}

export interface SignOptions {
  readonly date?: Date;
  readonly config?: openpgp.PartialConfig;
}

type Keys = openpgp.PrivateKey | openpgp.PrivateKey[];

export async function clearsign(
  text: string,
  signingKeys: Keys,
  { date = SIGNED, config }: SignOptions = {},
): Promise<Buffer> {
  const message = await openpgp.createCleartextMessage({ text });
  const signed = await openpgp.sign({ message, signingKeys, date, ...(config && { config }) });
  return Buffer.from(signed);
}

export async function signDetached(
  data: Uint8Array,
  signingKeys: Keys,
  options: SignOptions = {},
): Promise<Buffer> {
  const message = await openpgp.createMessage({ binary: data });
  const { date = SIGNED, config } = options;
  return Buffer.from(
    await openpgp.sign({ message, signingKeys, detached: true, date, ...(config && { config }) }),
  );
}

export async function keyringOf(...keys: readonly openpgp.Key[]): Promise<Keyring> {
  const armored = keys.map((key) => key.toPublic().armor()).join('\n');
  return Keyring.fromBytes(Buffer.from(armored), 'test keys');
}
