// Paths in Spack's configuration: `$spack` and its like, environment variables, `~`, relative to the file. Spack `canonicalize_path`.
import { tmpdir, userInfo } from 'node:os';
import { dirname, normalize, resolve } from 'node:path';
import { UsageError } from '../core/errors.js';
import { expandHome, type SpackConfigRequest } from './spack-config.js';

/** What only a Spack that looks at the machine can fill in. */
const ONLY_SPACK_KNOWS = ['architecture', 'arch', 'os', 'operating_system', 'target', 'target_family', 'env'];

export interface ConfigPath {
  readonly path: string;
  /** The configuration file that it stands in. */
  readonly file: string;
  /** How messages name the setting. */
  readonly key: string;
}

/**
 * Expands a path as Spack does.
 *
 * @throws UsageError `config` for a variable that only Spack can fill in.
 */
export function expandConfigPath(path: ConfigPath, request: SpackConfigRequest): string {
  const substituted = path.path.replace(/\$\w+\b|\$\{\w+\}/g, (variable) =>
    substitute(variable, path, request),
  );
  return normalize(resolve(dirname(path.file), expandHome(substituted, request.homeFolder)));
}

/** Spack's own variables whatever their case, then the environment's; an unknown one stays as it is. */
function substitute(variable: string, { file, key }: ConfigPath, request: SpackConfigRequest): string {
  const name = variable.replace(/[${}]/g, '');
  const known = spackVariable(name.toLowerCase(), request);
  if (known !== undefined) return known;
  if (ONLY_SPACK_KNOWS.includes(name.toLowerCase()))
    throw new UsageError(
      'config',
      `Cannot use "${key}" of "${file}": only Spack knows what "${variable}" is`,
      {
        hint: 'Give the path with --root',
        data: { path: file, key, variable },
      },
    );
  return request.environment[name] ?? variable;
}

function spackVariable(
  name: string,
  { spackPrefix, environment, homeFolder }: SpackConfigRequest,
): string | undefined {
  switch (name) {
    case 'spack':
      return spackPrefix;
    case 'user':
      return userInfo().username;
    case 'tempdir':
      return tmpdir();
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

function localDate(now: Date): string {
  const month = String(now.getMonth() + 1).padStart(2, '0');
  return `${now.getFullYear()}-${month}-${String(now.getDate()).padStart(2, '0')}`;
}
