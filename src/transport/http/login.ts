// How a mirror on the web is logged in to: user and password of its URL, or what its configuration says (RFC 7617, RFC 6750).
import { UsageError } from '../../core/errors.js';
import type { Environment } from '../../host/environment.js';
import { configuredVariable } from '../configured-value.js';
import type { StoreConnection } from '../store-connection.js';
import { basicAuthorizer } from './location.js';
import type { Authorizer } from './request.js';

export interface Login {
  readonly connection?: StoreConnection | undefined;
  readonly environment?: Environment | undefined;
}

/**
 * Logs in to the server of a URL, and to no other: a redirect must not pass credentials on. What the URL says goes first.
 * @returns undefined where there is nothing to log in with.
 * @throws UsageError `config` for half a pair, and when the first request needs a variable that is not set.
 */
export function loginAuthorizer(
  url: URL,
  { connection = {}, environment = process.env }: Login,
): Authorizer | undefined {
  const ofUrl = basicAuthorizer(url);
  if (ofUrl !== undefined) return ofUrl;
  const { accessPair, accessToken, accessTokenVariable } = connection;
  const hasPair =
    accessPair !== undefined &&
    Object.values(accessPair).some((value) => value !== undefined && value !== '');
  if (!hasPair && !accessToken && !accessTokenVariable) return undefined;
  const proof = (): string => {
    if (!hasPair) return `Bearer ${accessToken || configuredVariable(accessTokenVariable, environment)}`;
    const id = accessPair.id || configuredVariable(accessPair.idVariable, environment);
    const secret = accessPair.secret || configuredVariable(accessPair.secretVariable, environment);
    if (id === undefined || secret === undefined) throw halfPair();
    return `Basic ${Buffer.from(`${id}:${secret}`, 'utf8').toString('base64')}`;
  };
  return { authorize: (hop) => (hop.url.origin === url.origin ? { authorization: proof() } : undefined) };
}

function halfPair(): UsageError {
  return new UsageError('config', 'Cannot log in to a mirror: its "access_pair" is half a pair', {
    hint: 'Give it an id and a secret, or id_variable and secret_variable',
  });
}
