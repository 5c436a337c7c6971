// `include:` in a scope of Spack 1.x (or an environment): the scopes it adds, weaker than the one that includes them. Spack `OptionalInclude`.
import { existsSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UsageError } from '../../core/errors.js';
import { schemeOf } from '../../core/url-scheme.js';
import { expandConfigPath, userCachePath } from '../config-path.js';
import { ConfigValue } from '../config-value.js';
import { hostArchitecture } from '../host-architecture.js';
import { parseKey } from '../yaml-file.js';
import { type ConfigScope, readSection } from './config-scope.js';
import { evaluateCondition } from './include-condition.js';
import type { SpackConfigRequest } from './spack-config-request.js';
import { spackDigest } from './spack-digest.js';

const MAX_DEPTH = 100;

export interface Inclusion {
  readonly spack: SpackConfigRequest;
  readonly depth: number;
}

/**
 * A scope with all that it includes, weakest first.
 * @throws UsageError `config` for an include that is not there, or that only Spack can follow.
 */
export function withIncluded(scope: ConfigScope, { spack, depth }: Inclusion): readonly ConfigScope[] {
  const section = readSection(scope, 'include');
  const [entry] = section?.content ?? [];
  if (section === undefined || entry === undefined) return [scope];
  const [key, value] = entry;
  if (depth > MAX_DEPTH)
    throw new UsageError('config', `Cannot use "${section.file}": its includes lead to each other`, {
      data: { file: section.file },
    });
  const includes = new ConfigValue({ value: value ?? [], keys: ['include'], fileOf: () => section.file });
  const included = includes
    .items()
    .flatMap((item) => includedScopes(item, { scope, spack }))
    .reverse()
    .flatMap((each) => withIncluded(withDefault(each, scope), { spack, depth: depth + 1 }));
  return [
    ...included,
    { ...scope, replaces: parseKey(key).replaces, included: included.map(({ name }) => name) },
  ];
}

function withDefault(included: ConfigScope, { isDefault }: ConfigScope): ConfigScope {
  return isDefault ? { ...included, isDefault } : included;
}

interface IncludeContext {
  /** The scope that includes. */
  readonly scope: ConfigScope;
  readonly spack: SpackConfigRequest;
}

function includedScopes(item: ConfigValue, context: IncludeContext): readonly ConfigScope[] {
  if (item.isText) return scopesAt([pathOf(item.word(), item, context)], item, context);
  if (!isWanted(item, context)) return [];
  return scopesAt(pathsOf(item, context), item, context);
}

/** Whether the condition holds. */
function isWanted(item: ConfigValue, { spack }: IncludeContext): boolean {
  const when = item.find('when')?.word();
  if (when === undefined) return true;
  const { environment } = spack;
  return evaluateCondition(
    { text: when, file: item.file },
    { environment, variable: (name) => hostVariable(name, spack) },
  );
}

function hostVariable(name: string, { spackPrefix }: SpackConfigRequest): string | undefined {
  const { platform, os, target } = hostArchitecture(spackPrefix);
  if (name === 'arch_str')
    return os === undefined || target === undefined ? undefined : `${platform}-${os}-${target}`;
  return { platform, os, target }[name];
}

function pathsOf(item: ConfigValue, context: IncludeContext): readonly string[] {
  const repository = item.find('git')?.word();
  if (repository !== undefined) {
    const folder = join(userCachePath(context.spack), 'includes', spackDigest(repository).slice(-7));
    return (item.find('paths')?.items() ?? []).map((path) => join(folder, path.word()));
  }
  const variable = item.find('path_override_env_var')?.word();
  const chosen = variable === undefined ? undefined : context.spack.environment[variable];
  const path = chosen || item.find('path')?.word();
  if (path === undefined) throw item.invalid('has no path');
  return [pathOf(path, item, context)];
}

/** Of a file on the web, the copy that Spack keeps. */
function pathOf(path: string, item: ConfigValue, { spack }: IncludeContext): string {
  const scheme = schemeOf(path);
  if (scheme === 'file') return fileURLToPath(path);
  if (scheme === undefined) return expandConfigPath({ path, file: item.file, key: item.key }, spack);
  const digest = item.isText ? undefined : item.find('sha256')?.word();
  if (digest === undefined) throw item.invalid('has no sha256');
  return join(userCachePath(spack), 'includes', digest, new URL(path).pathname.split('/').pop() ?? '');
}

function scopesAt(
  paths: readonly string[],
  item: ConfigValue,
  { scope }: IncludeContext,
): readonly ConfigScope[] {
  const settings = item.isText ? undefined : item;
  const isOptional = settings?.find('optional')?.boolean() ?? false;
  return paths
    .filter((path) => isThere(path, item, isOptional))
    .map((path) => {
      const name = settings?.find('name')?.word() ?? `${scope.name}:${shortPath(path, scope)}`;
      return statSync(path).isDirectory() ? { name, path } : { name, path, file: {} };
    });
}

function isThere(path: string, item: ConfigValue, isOptional: boolean): boolean {
  if (existsSync(path)) return true;
  if (isOptional) return false;
  throw new UsageError('config', `Cannot use "${item.file}": it includes "${path}", which does not exist`, {
    hint: 'If it is to be downloaded, run "spack config scopes" once: Spack then keeps a copy',
    data: { file: item.file, path },
  });
}

function shortPath(path: string, scope: ConfigScope): string {
  const folder = scope.file === undefined ? scope.path : dirname(scope.path);
  const short = relative(resolve(folder), path);
  return short.startsWith('..') ? path : short;
}
