// Variables in paths of configuration files, as Spack's `canonicalize_path` expands them.

import { homedir, tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

export interface PathVariables {
  /** What `$spack` stands for; `SPACK_ROOT` by default. */
  readonly spackRoot?: string | undefined;
  readonly environment?: Readonly<Record<string, string | undefined>> | undefined;
}

/** Expands `~`, `$spack`, `$user`, `$tempdir`, `$user_cache_path` and environment variables; unknown ones stay. */
export function expandConfigPath(path: string, variables: PathVariables = {}): string {
  const environment = variables.environment ?? process.env;
  const home = environment.HOME ?? homedir();
  const expanded = path.replace(/\$(?:\{(\w+)\}|(\w+))/g, (whole, braced?: string, bare?: string) => {
    const name = braced ?? bare ?? '';
    return expandVariable(name, environment, variables.spackRoot) ?? whole;
  });
  return expanded.replace(/^~(?=\/|$)/, () => home);
}

function expandVariable(
  name: string,
  environment: Readonly<Record<string, string | undefined>>,
  spackRoot: string | undefined,
): string | undefined {
  switch (name) {
    case 'spack':
      return spackRoot ?? environment.SPACK_ROOT;
    case 'user':
      return environment.USER ?? userInfo().username;
    case 'tempdir':
      return environment.TMPDIR ?? tmpdir();
    case 'user_cache_path':
      return environment.SPACK_USER_CACHE_PATH ?? join(environment.HOME ?? homedir(), '.spack');
    default:
      return environment[name];
  }
}
