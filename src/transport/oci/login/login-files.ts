// The logins that `docker login` and `podman login` keep (docker/cli `config.json`; containers-auth.json(5)).
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { UsageError } from '../../../core/errors.js';
import type { Environment } from '../../../host/environment.js';
import { describeSystemError, isAbsent } from '../../../host/system-error.js';
import type { RepositoryPlace } from '../repository-place.js';
import type { RegistryCredentials } from './registry-credentials.js';

/** A program that keeps the login, and the name it is kept under. */
export interface HelperLogin {
  readonly kind: 'helper';
  readonly program: string;
  readonly server: string;
}

/** Docker's own registry, as `docker login` writes it. */
const DOCKER_SERVER = 'https://index.docker.io/v1/';
const OLD_FORMS = ['https://', 'http://'].flatMap((scheme) =>
  ['', '/', '/v1', '/v1/', '/v2', '/v2/'].map((end) => [scheme, end] as const),
);
const HELPER_NAME = /^[\w.-]+$/;

interface LoginFile {
  readonly auths?: Readonly<Record<string, AuthEntry>> | undefined;
  readonly credHelpers?: Readonly<Record<string, string>> | undefined;
  readonly credsStore?: string | undefined;
}

interface AuthEntry {
  readonly auth?: unknown;
  /** In place of it, in files that people or programs wrote. */
  readonly username?: unknown;
  readonly password?: unknown;
  readonly identitytoken?: unknown;
  readonly registrytoken?: unknown;
}

/**
 * The logins for the repository, the likeliest first: those of each file in turn.
 * @throws UsageError `config` for a file that cannot be read
 */
export function* findLogins(
  place: RepositoryPlace,
  environment: Environment,
): Generator<RegistryCredentials | HelperLogin> {
  for (const path of loginFiles(environment)) {
    const file = readLoginFile(path);
    if (file === undefined) continue;
    for (const find of [helperOf, entryOf, storeOf]) {
      const found = find(file, place, path);
      if (found !== undefined) yield found;
    }
  }
}

/** In the order of Podman, with Docker's last. */
function loginFiles(environment: Environment): readonly string[] {
  const home = environment.HOME || homedir();
  const { REGISTRY_AUTH_FILE, XDG_RUNTIME_DIR, XDG_CONFIG_HOME, DOCKER_CONFIG } = environment;
  if (REGISTRY_AUTH_FILE) return [REGISTRY_AUTH_FILE];
  return [
    ...(XDG_RUNTIME_DIR ? [join(XDG_RUNTIME_DIR, 'containers', 'auth.json')] : []),
    join(XDG_CONFIG_HOME || join(home, '.config'), 'containers', 'auth.json'),
    join(DOCKER_CONFIG || join(home, '.docker'), 'config.json'),
  ];
}

function readLoginFile(path: string): LoginFile | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    if (isAbsent(cause)) return undefined;
    throw unusable(path, describeSystemError(cause));
  }
  try {
    const file: unknown = JSON.parse(text);
    if (typeof file === 'object' && file !== null) return file;
  } catch {
    // The parser's error would repeat a part of the file.
  }
  throw unusable(path, 'it is not a JSON object');
}

/** `credHelpers` are for one registry each, and go first. */
function helperOf(file: LoginFile, place: RepositoryPlace, path: string): HelperLogin | undefined {
  for (const server of serversOf(place)) {
    const name = own(file.credHelpers, server);
    if (name !== undefined) return helper(name, server, path);
  }
  return undefined;
}

/** `credsStore` is for every registry that the file has no login for. */
function storeOf(file: LoginFile, place: RepositoryPlace, path: string): HelperLogin | undefined {
  const { credsStore } = file;
  if (credsStore === undefined || credsStore === '') return undefined;
  return helper(credsStore, dockerServer(place), path);
}

function helper(name: unknown, server: string, path: string): HelperLogin {
  if (typeof name === 'string' && HELPER_NAME.test(name))
    return { kind: 'helper', program: `docker-credential-${name}`, server };
  throw unusable(path, 'it names a program for credentials that cannot be one');
}

/** The longest key that the repository begins with: Podman has logins for a part of a registry. */
function entryOf(file: LoginFile, place: RepositoryPlace, path: string): RegistryCredentials | undefined {
  const { auths } = file;
  for (const key of keysOf(place)) {
    const entry = own(auths, key);
    const found = typeof entry === 'object' && entry !== null ? credentialsIn(entry, path) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

function credentialsIn(
  { auth, username, password, identitytoken, registrytoken }: AuthEntry,
  path: string,
): RegistryCredentials | undefined {
  if (typeof identitytoken === 'string' && identitytoken !== '')
    return { kind: 'identity-token', token: identitytoken };
  if (typeof registrytoken === 'string' && registrytoken !== '')
    return { kind: 'registry-token', token: registrytoken };
  if (typeof username === 'string' && typeof password === 'string' && username !== '' && password !== '')
    return { kind: 'pair', user: username, password };
  if (typeof auth !== 'string' || auth === '') return undefined;
  const pair = Buffer.from(auth, 'base64').toString('utf8');
  const colon = pair.indexOf(':');
  if (colon < 1) throw unusable(path, 'one of its "auth" entries is not a user and a password');
  return { kind: 'pair', user: pair.slice(0, colon), password: pair.slice(colon + 1).replace(/\0+$/, '') };
}

function keysOf(place: RepositoryPlace): readonly string[] {
  const parts = place.name.split('/');
  const keys: string[] = [];
  for (let count = parts.length; count > 0; count--)
    for (const server of serversOf(place)) keys.push(`${server}/${parts.slice(0, count).join('/')}`);
  return [
    ...keys,
    // The forms of older versions come after the plain one.
    ...serversOf(place).flatMap((server) => [
      server,
      ...OLD_FORMS.map(([before, after]) => before + server + after),
    ]),
  ];
}

function serversOf(place: RepositoryPlace): readonly string[] {
  const server = dockerServer(place);
  return server === DOCKER_SERVER
    ? ['docker.io', 'index.docker.io', 'registry-1.docker.io', server]
    : [server];
}

function dockerServer({ registry }: RepositoryPlace): string {
  return registry === 'index.docker.io' ? DOCKER_SERVER : registry;
}

function own<T>(record: Readonly<Record<string, T>> | undefined, key: string): T | undefined {
  return typeof record === 'object' && record !== null && Object.hasOwn(record, key)
    ? record[key]
    : undefined;
}

function unusable(path: string, problem: string): UsageError {
  return new UsageError('config', `Cannot read the logins in "${path}": ${problem}`, {
    hint: 'Log in again with "docker login" or "podman login", or name another file with REGISTRY_AUTH_FILE',
    data: { path },
  });
}
