// The sections of a Spack's configuration, merged from its scopes: defaults, system, site and user, each with a folder per platform.
// FORMATS.md §1; Spack `spack.config` (`merge_yaml`).
import { join } from 'node:path';
import type { Environment } from '../host/environment.js';
import { expandHome } from './config-path.js';
import { ConfigValue } from './config-value.js';
import { isMapping, type YamlMapping, type YamlValue } from './yaml-file.js';

export interface SpackConfigRequest {
  /** The prefix of the Spack. */
  readonly spackPrefix: string;
  readonly environment: Environment;
  readonly homeFolder: string;
}

/** The folders of the scopes, weakest first. */
function configScopes({ spackPrefix, environment, homeFolder }: SpackConfigRequest): string[] {
  const isLocalOff = environment.SPACK_DISABLE_LOCAL_CONFIG !== undefined;
  const etc = join(spackPrefix, 'etc', 'spack');
  const user = environment.SPACK_USER_CONFIG_PATH || join(homeFolder, '.spack');
  const system = environment.SPACK_SYSTEM_CONFIG_PATH || '/etc/spack';
  return [
    join(etc, 'defaults'),
    // Since Spack 1.1, the defaults for all platforms are in a subfolder.
    join(etc, 'defaults', 'base'),
    ...(isLocalOff ? [] : [system]),
    etc,
    join(etc, 'site'),
    ...(isLocalOff ? [] : [expandHome(user, homeFolder)]),
  ].flatMap((scope) => [scope, join(scope, process.platform)]);
}

/** One section (`config`, `packages`, `upstreams`) of a Spack's configuration. */
export class ConfigSection {
  readonly #root: YamlMapping;
  /** The file that last set a key, by the key's path. */
  readonly #files: ReadonlyMap<string, string>;

  private constructor(root: YamlMapping, files: ReadonlyMap<string, string>) {
    this.#root = root;
    this.#files = files;
  }

  /**
   * Reads and merges `<section>.yaml` of every scope.
   *
   * @throws UsageError `config` naming the unusable file.
   */
  static read(section: string, request: SpackConfigRequest): ConfigSection {
    const files = new Map<string, string>();
    let merged: YamlMapping = new Map();
    for (const scope of configScopes(request)) {
      const file = join(scope, `${section}.yaml`);
      const content = ConfigValue.read(file)?.mapping();
      if (content !== undefined) merged = mergeMappings(merged, content, { file, files, path: '' });
    }
    return new ConfigSection(merged, files);
  }

  /** The value at a path of keys; undefined if it is absent or null, or if something above it is not a mapping. */
  get(...keys: readonly string[]): ConfigValue | undefined {
    let value: YamlValue | undefined = this.#root;
    for (const key of keys) value = isMapping(value) ? value.get(key) : undefined;
    if (value === undefined || value === null) return undefined;
    return new ConfigValue({ value, keys, fileOf: (path) => this.#fileOf(path) });
  }

  /** The file that relative paths in a setting are relative to, even if no file has the setting. */
  fileOf(...keys: readonly string[]): string {
    return this.#fileOf(keys);
  }

  #fileOf(keys: readonly string[]): string {
    for (let length = keys.length; length > 0; length--) {
      const file = this.#files.get(pathOf(keys.slice(0, length)));
      if (file !== undefined) return file;
    }
    return '';
  }
}

interface Merging {
  readonly file: string;
  readonly files: Map<string, string>;
  readonly path: string;
}

/** The stronger scope's keys come first, as in Spack: the order of projections depends on it. A key `x::` replaces instead of merging. */
function mergeMappings(weaker: YamlMapping, stronger: YamlMapping, merging: Merging): YamlMapping {
  const entries = new Map<string, YamlValue>();
  for (const [anyKey, value] of stronger) {
    const name = String(anyKey);
    const key = name.replace(/[:+-]$/, '');
    const path = merging.path === '' ? key : `${merging.path}\0${key}`;
    merging.files.set(path, merging.file);
    const old = name.endsWith(':') ? undefined : weaker.get(key);
    entries.set(
      key,
      isMapping(value) ? mergeMappings(isMapping(old) ? old : new Map(), value, { ...merging, path }) : value,
    );
  }
  for (const [key, value] of weaker) if (!entries.has(String(key))) entries.set(String(key), value);
  return entries;
}

function pathOf(keys: readonly string[]): string {
  return keys.join('\0');
}
