// Paths in configuration files: `$spack` and similar variables, environment variables, `~`, relative to the file.
// Spack `canonicalize_path`.
import { homedir, tmpdir, userInfo } from 'node:os';
import { dirname, resolve } from 'node:path';
import { UsageError } from '../core/errors.js';
import type { Environment } from '../host/environment.js';

/** Variables that only Spack can expand, since it examines the machine. */
const ONLY_SPACK_KNOWS = ['architecture', 'arch', 'os', 'operating_system', 'target', 'target_family', 'env'];

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
 * Expands a path as Spack does.
 *
 * @returns an absolute path
 * @throws UsageError `config` for a variable that only Spack can expand
 */
export function expandConfigPath(path: ConfigPath, variables: PathVariables = {}): string {
  const environment = variables.environment ?? process.env;
  const homeFolder = variables.homeFolder ?? environment.HOME ?? homedir();
  const spackPrefix = variables.spackPrefix ?? environment.SPACK_ROOT;
  const known = { environment, homeFolder, spackPrefix };
  const substituted = path.path.replace(/\$\w+\b|\$\{\w+\}/g, (variable) =>
    substitute(variable, path, known),
  );
  return resolve(dirname(path.file), expandHome(substituted, homeFolder));
}

/** Expands `~` and `~/…`. */
export function expandHome(path: string, homeFolder: string): string {
  return path === '~' || path.startsWith('~/') ? homeFolder + path.slice(1) : path;
}

interface KnownVariables {
  readonly spackPrefix: string | undefined;
  readonly environment: Environment;
  readonly homeFolder: string;
}

/** Spack's variables in any case, then those of the environment; an unknown variable is kept as it is. */
function substitute(variable: string, { file, key }: ConfigPath, known: KnownVariables): string {
  const name = variable.replace(/[${}]/g, '');
  const value = spackVariable(name.toLowerCase(), known);
  if (value !== undefined) return value;
  if (!ONLY_SPACK_KNOWS.includes(name.toLowerCase())) return known.environment[name] ?? variable;
  throw new UsageError('config', `Cannot use "${key}" of "${file}": only Spack can expand "${variable}"`, {
    hint: 'Write the path without this variable, or give it on the command line',
    data: { file, key, variable },
  });
}

function spackVariable(
  name: string,
  { spackPrefix, environment, homeFolder }: KnownVariables,
): string | undefined {
  switch (name) {
    case 'spack':
      return spackPrefix;
    case 'user':
      return userName(environment);
    case 'tempdir':
      return environment.TMPDIR || environment.TEMP || environment.TMP || tmpdir();
    case 'user_cache_path':
      return expandHome(environment.SPACK_USER_CACHE_PATH || '~/.spack', homeFolder);
    case 'platform':
      return process.platform;
    case 'date':
      return localDate(new Date());
    default:
      return undefined;
  }
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
