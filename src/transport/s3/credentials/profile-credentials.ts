// The credentials of a profile of the shared files: its keys, those that its program writes, or those of the role that it names, which are
// had with the credentials of another profile or of the machine ("Configuration and credential file settings").
import { UsageError } from '../../../core/errors.js';
import { assumeRole, DEFAULT_SESSION_NAME } from './assume-role.js';
import {
  type CredentialContext,
  type CredentialSource,
  type Credentials,
  environmentCredentials,
  keyPair,
} from './credentials.js';
import { processCredentials } from './process-credentials.js';
import { type Profile, profileName, readProfile } from './profiles.js';
import { assumeWithWebIdentity, containerCredentials, machineCredentials } from './service-credentials.js';

/** The profile that the mirror names. */
export const mirrorProfileCredentials: CredentialSource = (context) =>
  context.connection.profile ? profileCredentials(context) : undefined;

/**
 * The profile of the mirror, or the one of the environment.
 * @throws UsageError `config` for a profile that logs in by hand, that lacks something, or whose sources go round in a circle; else as the
 * sources do.
 */
export const profileCredentials: CredentialSource = (context) => {
  const { connection, environment, profile } = context;
  const names = [profileName(connection.profile, environment)] as const;
  return profile.role_arn ? roleCredentials(context, names) : ownCredentials(context, names);
};

/** The profiles that led here, the last one of which is meant. */
type Names = readonly [string, ...string[]];

function ownCredentials(
  context: CredentialContext,
  names: Names,
): Promise<Credentials> | Credentials | undefined {
  const { profile, environment } = context;
  const keys = keysOf(profile);
  if (keys !== undefined) return keys;
  const name = last(names);
  const command = profile.credential_process;
  if (command) return processCredentials({ command, profile: name, environment });
  const byHand = ['sso_session', 'sso_start_url'].find((key) => profile[key] !== undefined);
  if (byHand === undefined) return undefined;
  throw unusable(name, `it has "${byHand}", which needs a browser`, LOGIN_HINT);
}

async function roleCredentials(context: CredentialContext, names: Names): Promise<Credentials> {
  const { profile } = context;
  const name = last(names);
  const role = `the role of the profile "${name}"`;
  const { role_arn, role_session_name, web_identity_token_file, duration_seconds } = profile;
  const parameters = {
    RoleArn: role_arn,
    RoleSessionName: role_session_name || DEFAULT_SESSION_NAME,
    DurationSeconds: duration_seconds,
  };
  if (web_identity_token_file)
    return assumeWithWebIdentity(context, { name: role, file: web_identity_token_file, parameters });
  if (profile.mfa_serial !== undefined)
    throw unusable(name, 'it has "mfa_serial", which needs a code that somebody types', LOGIN_HINT);
  const credentials = await sourceOfRole(context, names);
  return assumeRole(context, {
    name: role,
    credentials,
    parameters: { ...parameters, ExternalId: profile.external_id },
  });
}

async function sourceOfRole(context: CredentialContext, names: Names): Promise<Credentials> {
  const { source_profile, credential_source } = context.profile;
  const name = last(names);
  if (Boolean(source_profile) === Boolean(credential_source))
    throw unusable(
      name,
      source_profile ? 'its role has two sources' : 'its role has no source',
      'Give it source_profile or credential_source',
    );
  const found = source_profile
    ? await sourceProfile(context, [...names, source_profile])
    : await namedSource(name, credential_source ?? '')(context);
  if (found !== undefined) return found;
  const source = source_profile ? `the profile "${source_profile}"` : `"${credential_source}"`;
  throw unusable(name, `${source}, the source of its role, has no credentials`);
}

/** Keys of a source go before its role, so a profile may be the source of its own role. */
async function sourceProfile(context: CredentialContext, names: Names): Promise<Credentials | undefined> {
  const name = last(names);
  const before = names.slice(0, -1);
  const profile = readProfile(name, context.environment);
  const isOfItself = before.at(-1) === name && keysOf(profile) !== undefined;
  if (before.includes(name) && !isOfItself)
    throw unusable(names[0], `the sources of its role go round in a circle: ${names.join(', ')}`);
  const next = { ...context, profile };
  if (profile.role_arn && keysOf(profile) === undefined) return roleCredentials(next, names);
  return ownCredentials(next, names);
}

const SOURCES: ReadonlyMap<string, CredentialSource> = new Map([
  ['environment', environmentCredentials],
  ['ecscontainer', containerCredentials],
  ['ec2instancemetadata', machineCredentials(true)],
]);

function namedSource(name: string, source: string): CredentialSource {
  const found = SOURCES.get(source.toLowerCase());
  if (found !== undefined) return found;
  throw unusable(
    name,
    'its "credential_source" is not known',
    'Write Environment, EcsContainer or Ec2InstanceMetadata',
  );
}

function keysOf({
  aws_access_key_id,
  aws_secret_access_key,
  aws_session_token,
}: Profile): Credentials | undefined {
  return keyPair(aws_access_key_id, aws_secret_access_key, aws_session_token);
}

function last(names: Names): string {
  return names.at(-1) ?? names[0];
}

const LOGIN_HINT = 'Log in, and run: eval "$(aws configure export-credentials --format env)"';

function unusable(
  profile: string,
  state: string,
  hint = 'Check the shared files of AWS: ~/.aws/config and ~/.aws/credentials',
): UsageError {
  return new UsageError(
    'config',
    `Cannot use the profile "${profile}" of the shared files of AWS: ${state}`,
    {
      hint,
      data: { profile },
    },
  );
}
