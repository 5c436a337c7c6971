// Paths in configuration files: `$spack` and similar variables, environment variables, `~`, relative to the file.
// Spack `canonicalize_path`.
import { homedir, tmpdir, userInfo } from 'node:os';
import { dirname, resolve } from 'node:path';
import { UsageError } from '../core/errors.js';
import type { Environment } from '../host/environment.js';
import { userHome } from '../host/user-home.js';
import { hostArchitecture } from './host-architecture.js';
import { spackDigest } from './scopes/spack-digest.js';
import { readSpackVersion } from './scopes/spack-version.js';

export interface ConfigPath {
  readonly path: string;
  /** The configuration file that contains it. */
  readonly file: string;
  /** How messages name the setting. */
  readonly key: string;
}

export interface PathVariables {
  /** What `$spack` stands for; `SPACK_ROOT` by default. */
  readonly spackPrefix?: string | undefined;
  readonly environment?: Environment | undefined;
  readonly homeFolder?: string | undefined;
}

/**
 * Expands a path as Spack does: its own variables in any case, then those of the environment, then `~`. Unknown variables stay.
 *
 * @returns an absolute path
 * @throws UsageError `config` for a variable that only Spack can expand
 */
export function expandConfigPath(path: ConfigPath, variables: PathVariables = {}): string {
  const environment = variables.environment ?? process.env;
  const homeFolder = variables.homeFolder ?? environment.HOME ?? homedir();
  const spackPrefix = variables.spackPrefix ?? environment.SPACK_ROOT;
  const known = { environment, homeFolder, spackPrefix };
  const substituted = path.path
    .replace(/\$\w+\b|\$\{\w+\}/g, (variable) => spackValue(variable, path, known) ?? variable)
    .replace(/\$(\w+|\{[^}]*\})/g, (variable, name) => environment[name.replace(/[{}]/g, '')] ?? variable);
  return resolve(dirname(path.file), expandHome(substituted, homeFolder));
}

/** Expands `~`, and `~user` for a user of this machine. */
export function expandHome(path: string, homeFolder: string): string {
  const [tilde, user] = /^~([^/]*)/.exec(path) ?? [];
  if (tilde === undefined || user === undefined) return path;
  const home = user === '' ? homeFolder : userHome(user);
  return home === undefined ? path : home.replace(/\/+$/, '') + path.slice(tilde.length);
}

interface KnownVariables {
  readonly spackPrefix: string | undefined;
  readonly environment: Environment;
  readonly homeFolder: string;
}

/** The value of a variable of Spack; undefined if Spack has none of this name, or no value for it. */
function spackValue(variable: string, { file, key }: ConfigPath, known: KnownVariables): string | undefined {
  const value = VARIABLES[variable.replace(/[${}]/g, '').toLowerCase()]?.(known);
  if (value !== ONLY_SPACK_KNOWS) return value;
  throw new UsageError('config', `Cannot use "${key}" of "${file}": only Spack can expand "${variable}"`, {
    hint: 'Write the path without this variable, or give it on the command line',
    data: { file, key, variable },
  });
}

const ONLY_SPACK_KNOWS = Symbol('only Spack can tell');

type Variable = (known: KnownVariables) => string | typeof ONLY_SPACK_KNOWS | undefined;

const operatingSystem: Variable = ({ spackPrefix }) => hostArchitecture(spackPrefix).os ?? ONLY_SPACK_KNOWS;
const architecture: Variable = ({ spackPrefix }) => {
  const { platform, os, target } = hostArchitecture(spackPrefix);
  return os === undefined || target === undefined ? ONLY_SPACK_KNOWS : `${platform}-${os}-${target}`;
};

const VARIABLES: Readonly<Record<string, Variable>> = {
  spack: ({ spackPrefix }) => spackPrefix,
  user: ({ environment }) => userName(environment),
  tempdir: ({ environment }) => environment.TMPDIR || environment.TEMP || environment.TMP || tmpdir(),
  user_cache_path: userCachePath,
  platform: () => process.platform,
  os: operatingSystem,
  operating_system: operatingSystem,
  target: ({ spackPrefix }) => hostArchitecture(spackPrefix).target ?? ONLY_SPACK_KNOWS,
  target_family: ({ spackPrefix }) => hostArchitecture(spackPrefix).family,
  arch: architecture,
  architecture,
  date: () => localDate(new Date()),
  env: ({ environment }) => environment.SPACK_ENV || undefined,
  spack_instance_id: sinceOne(({ spackPrefix }) => spackPrefix && instanceId(spackPrefix)),
  spack_short_version: sinceOne(({ spackPrefix }) => {
    const version = readSpackVersion(spackPrefix ?? '');
    return version && `${version.major}.${version.minor}`;
  }),
};

/** A variable that Spack has since version 1.0; before, the environment may have one of this name. */
function sinceOne(variable: Variable): Variable {
  return (known) =>
    (readSpackVersion(known.spackPrefix ?? '')?.major ?? 0) >= 1 ? variable(known) : undefined;
}

/** Where Spack keeps what it can fetch again. */
export function userCachePath({
  environment,
  homeFolder,
}: Pick<KnownVariables, 'environment' | 'homeFolder'>): string {
  return expandHome(environment.SPACK_USER_CACHE_PATH || '~/.spack', homeFolder);
}

/** Tells the Spacks of a machine apart. */
function instanceId(spackPrefix: string): string {
  return spackDigest(spackPrefix).slice(0, 7);
}

/** The effective user's name, whatever `USER` says; in a container the user may have no name. */
function userName(environment: Environment): string | undefined {
  try {
    return userInfo().username;
  } catch {
    return environment.USER;
  }
}

function localDate(now: Date): string {
  const month = String(now.getMonth() + 1).padStart(2, '0');
  return `${now.getFullYear()}-${month}-${String(now.getDate()).padStart(2, '0')}`;
}
