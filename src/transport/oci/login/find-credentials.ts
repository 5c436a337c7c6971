// Who logs in to a registry: the mirror's configuration first, then the files of Docker and Podman, and the programs that these name.

import { UsageError } from '../../../core/errors.js';
import type { Environment } from '../../../host/environment.js';
import { configuredVariable } from '../../configured-value.js';
import type { StoreConnection } from '../../store-connection.js';
import type { RepositoryPlace } from '../repository-place.js';
import { askHelper } from './credential-helper.js';
import { findLogins } from './login-files.js';
import type { RegistryCredentials } from './registry-credentials.js';

export interface CredentialRequest {
  readonly place: RepositoryPlace;
  readonly connection: StoreConnection | undefined;
  readonly environment: Environment;
}

/**
 * The first credentials there are; undefined for somebody without any.
 * @throws UsageError `config` for half a pair, a variable that is not set, and for a file or program that cannot be used
 */
export async function findCredentials(request: CredentialRequest): Promise<RegistryCredentials | undefined> {
  const { place, environment } = request;
  if (place.login !== undefined) return { kind: 'pair', ...place.login };
  const configured = mirrorCredentials(request);
  if (configured !== undefined) return configured;
  for (const found of findLogins(place, environment)) {
    if (found.kind !== 'helper') return found;
    const { program, server } = found;
    const answer = await askHelper({ program, server, environment });
    if (answer !== undefined) return answer;
  }
  return undefined;
}

function mirrorCredentials({
  connection = {},
  environment,
}: CredentialRequest): RegistryCredentials | undefined {
  const { accessPair, accessToken, accessTokenVariable } = connection;
  const user = accessPair?.id || configuredVariable(accessPair?.idVariable, environment);
  const password = accessPair?.secret || configuredVariable(accessPair?.secretVariable, environment);
  if (user !== undefined && password !== undefined) return { kind: 'pair', user, password };
  if (user !== undefined || password !== undefined)
    throw new UsageError(
      'config',
      'Cannot log in to a registry: "access_pair" of the mirror is half a pair',
      {
        hint: 'Give it an id and a secret, or id_variable and secret_variable',
      },
    );
  const token = accessToken || configuredVariable(accessTokenVariable, environment);
  return token === undefined ? undefined : { kind: 'registry-token', token };
}
