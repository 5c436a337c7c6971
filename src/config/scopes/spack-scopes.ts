// The scopes of a Spack's configuration, weakest first: in a fixed order, each with a folder per platform, before Spack 1.1; since then as
// the Spack's own files include them. An active environment is the strongest. Spack `spack.config.create`.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expandHome } from '../config-path.js';
import type { ConfigScope } from './config-scope.js';
import { withIncluded } from './included-scopes.js';
import type { SpackConfigRequest } from './spack-config-request.js';
import { readSpackVersion } from './spack-version.js';

/** @throws UsageError `config` for includes that cannot be followed. */
export function spackScopes(spack: SpackConfigRequest): readonly ConfigScope[] {
  const scopes = [...configuredScopes(spack), ...environmentScopes(spack)];
  // A scope that comes again under the same name counts where it comes last.
  return activeScopes(
    scopes.filter(({ name }, i) => !scopes.slice(i + 1).some((later) => later.name === name)),
  );
}

function configuredScopes(spack: SpackConfigRequest): readonly ConfigScope[] {
  const etc = join(spack.spackPrefix, 'etc', 'spack');
  const defaults: ConfigScope = { name: 'defaults', path: join(etc, 'defaults'), isDefault: true };
  const isIncluding = [etc, defaults.path].some((folder) => existsSync(join(folder, 'include.yaml')));
  if (isIncluding)
    return [defaults, { name: 'spack', path: etc }].flatMap((scope) =>
      withIncluded(scope, { spack, depth: 0 }),
    );
  const hasIncludes = (readSpackVersion(spack.spackPrefix)?.major ?? 0) >= 1;
  const scopes = [defaults, ...fixedScopes(spack, etc)].flatMap((scope) => [scope, platformScope(scope)]);
  return hasIncludes ? scopes.flatMap((scope) => withIncluded(scope, { spack, depth: 0 })) : scopes;
}

function fixedScopes({ environment, homeFolder }: SpackConfigRequest, etc: string): readonly ConfigScope[] {
  const site = { name: 'site', path: etc };
  if (environment.SPACK_DISABLE_LOCAL_CONFIG !== undefined) return [site];
  const at = (path: string): string => expandHome(path, homeFolder);
  return [
    { name: 'system', path: at(environment.SPACK_SYSTEM_CONFIG_PATH || '/etc/spack') },
    site,
    { name: 'user', path: at(environment.SPACK_USER_CONFIG_PATH || '~/.spack') },
  ];
}

function platformScope({ name, path, ...scope }: ConfigScope): ConfigScope {
  const { platform } = process;
  return { ...scope, name: `${name}/${platform}`, path: join(path, platform) };
}

/** Of the environment that a shell has activated. */
function environmentScopes(spack: SpackConfigRequest): readonly ConfigScope[] {
  const folder = spack.environment.SPACK_ENV;
  if (!folder) return [];
  const path = join(folder, 'spack.yaml');
  return withIncluded({ name: `env:${folder}`, path, file: { below: 'spack' } }, { spack, depth: 0 });
}

/** Without those that an `include::` removes. */
function activeScopes(scopes: readonly ConfigScope[]): readonly ConfigScope[] {
  const last = scopes.findLastIndex(({ replaces }) => replaces);
  const included = scopes[last]?.included ?? [];
  return scopes.filter(({ name, isDefault }, i) => i >= last || isDefault || included.includes(name));
}
