// Who asks: the first source that has credentials, in the order of AWS's tools. Their values never get into a message.
import { UsageError } from '../../../core/errors.js';
import type { Environment } from '../../../host/environment.js';
import { configuredVariable } from '../../configured-value.js';
import type { HttpClient } from '../../http/client.js';
import type { StoreConnection } from '../../store-connection.js';
import type { Profile } from './profiles.js';

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
  /** When they end, in milliseconds since 1970; those that stay have none. */
  readonly expires?: number | undefined;
}

export interface CredentialContext {
  readonly connection: StoreConnection;
  readonly environment: Environment;
  readonly profile: Profile;
  readonly region: string;
  /** For services that give out credentials. */
  readonly client: HttpClient;
}

/** Undefined where a source has none. */
export type CredentialSource = (
  context: CredentialContext,
) => Credentials | undefined | Promise<Credentials | undefined>;

/** They are renewed this long before they end, in milliseconds. */
const MARGIN = 5 * 60_000;

/** Keeps the credentials of a store, and renews them before they end. */
export class CredentialCache {
  readonly #find: () => Promise<Credentials | undefined>;
  #current: Promise<Credentials | undefined> | undefined;
  /** What `#current` gave, once it has. */
  #held: Credentials | undefined;
  #expires = Number.POSITIVE_INFINITY;

  constructor(find: () => Promise<Credentials | undefined>) {
    this.#find = find;
  }

  /** Undefined for somebody without credentials. */
  get(): Promise<Credentials | undefined> {
    if (this.#current === undefined || Date.now() > this.#expires) this.#current = this.#renew();
    return this.#current;
  }

  /**
   * Asks anew next time, since the server says that these have ended; once for all who say so of the same. Says whether others are to be had.
   */
  drop(ended: Credentials | undefined): boolean {
    if (this.#held !== ended) return true;
    if (ended?.expires === undefined) return false;
    this.#current = undefined;
    this.#held = undefined;
    return true;
  }

  async #renew(): Promise<Credentials | undefined> {
    this.#expires = Number.POSITIVE_INFINITY;
    this.#held = undefined;
    try {
      const found = await this.#find();
      if (found?.expires !== undefined)
        this.#expires = Math.max(found.expires - MARGIN, Date.now() + MARGIN / 10);
      this.#held = found;
      return found;
    } catch (error) {
      this.#current = undefined;
      throw error;
    }
  }
}

/** Asks the sources in turn. */
export async function firstCredentials(
  sources: readonly CredentialSource[],
  context: CredentialContext,
): Promise<Credentials | undefined> {
  for (const source of sources) {
    const found = await source(context);
    if (found !== undefined) return found;
  }
  return undefined;
}

/**
 * The `access_pair` of the mirror, with its `access_token` as the token of a session.
 * @throws UsageError `config` for a variable that is not set, and for half a pair.
 */
export function mirrorCredentials({ connection, environment }: CredentialContext): Credentials | undefined {
  const { accessPair, accessToken, accessTokenVariable } = connection;
  if (accessPair === undefined) return undefined;
  const accessKeyId = accessPair.id || configuredVariable(accessPair.idVariable, environment);
  const secretAccessKey = accessPair.secret || configuredVariable(accessPair.secretVariable, environment);
  if (accessKeyId === undefined && secretAccessKey === undefined) return undefined;
  if (accessKeyId === undefined || secretAccessKey === undefined)
    throw new UsageError('config', 'Cannot log in to a mirror: its "access_pair" is half a pair', {
      hint: 'Give it an id and a secret, or id_variable and secret_variable',
    });
  const sessionToken = accessToken || configuredVariable(accessTokenVariable, environment);
  return { accessKeyId, secretAccessKey, sessionToken };
}

/** `AWS_ACCESS_KEY_ID` and its kin. */
export const environmentCredentials: CredentialSource = ({ environment }) =>
  keyPair(environment.AWS_ACCESS_KEY_ID, environment.AWS_SECRET_ACCESS_KEY, environment.AWS_SESSION_TOKEN);

/** HMAC keys for Google's storage. */
export const googleCredentials: CredentialSource = ({ environment }) =>
  keyPair(environment.GS_ACCESS_KEY_ID, environment.GS_SECRET_ACCESS_KEY);

/** Undefined for half a pair. */
export function keyPair(
  id: string | undefined,
  secret: string | undefined,
  token?: string,
): Credentials | undefined {
  if (!id || !secret) return undefined;
  return { accessKeyId: id, secretAccessKey: secret, sessionToken: token || undefined };
}
