// The sections of a Spack's configuration, merged from its scopes: defaults, system, site, user, each with a folder of its own per
// platform. FORMATS.md §1; Spack `spack.config` (`merge_yaml`).
import { join } from 'node:path';
import { UsageError } from '../core/errors.js';
import type { JsonObject, JsonValue } from '../spec/spec.js';
import { isMapping, readYamlMapping } from './yaml-file.js';

export interface SpackConfigRequest {
  /** Where the Spack is. */
  readonly spackPrefix: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly homeFolder: string;
}

/** A value, and the file that has the last word about it. */
export interface ConfigValue {
  readonly value: JsonValue;
  readonly file: string;
}

/** The folders of the scopes, those that count least first. */
export function configScopes({ spackPrefix, environment, homeFolder }: SpackConfigRequest): string[] {
  const isLocalOff = environment.SPACK_DISABLE_LOCAL_CONFIG !== undefined;
  const etc = join(spackPrefix, 'etc', 'spack');
  const user = environment.SPACK_USER_CONFIG_PATH || join(homeFolder, '.spack');
  const system = environment.SPACK_SYSTEM_CONFIG_PATH || '/etc/spack';
  return [
    join(etc, 'defaults'),
    // Since Spack 1.1 the defaults for every platform are in a folder of their own.
    join(etc, 'defaults', 'base'),
    ...(isLocalOff ? [] : [system]),
    etc,
    join(etc, 'site'),
    ...(isLocalOff ? [] : [expandHome(user, homeFolder)]),
  ].flatMap((scope) => [scope, join(scope, process.platform)]);
}

/** One section (`config`, `packages`, `upstreams`) of a Spack's configuration. */
export class ConfigSection {
  readonly #root: JsonObject;
  /** The file that last said something about a key, by the key's path. */
  readonly #files: ReadonlyMap<string, string>;

  private constructor(root: JsonObject, files: ReadonlyMap<string, string>) {
    this.#root = root;
    this.#files = files;
  }

  /**
   * Reads and merges `<section>.yaml` of every scope.
   *
   * @throws UsageError `config` naming the file that cannot be used.
   */
  static read(section: string, request: SpackConfigRequest): ConfigSection {
    const files = new Map<string, string>();
    let merged: JsonObject = {};
    for (const scope of configScopes(request)) {
      const file = join(scope, `${section}.yaml`);
      const content = readYamlMapping(file);
      if (content !== undefined) merged = mergeMappings(merged, content, { file, files, path: '' });
    }
    return new ConfigSection(merged, files);
  }

  /** The value at a path of keys; undefined where it is absent or null. */
  get(...keys: readonly string[]): ConfigValue | undefined {
    let value: JsonValue | undefined = this.#root;
    for (const key of keys) value = isMapping(value) && Object.hasOwn(value, key) ? value[key] : undefined;
    return value === undefined || value === null ? undefined : { value, file: this.fileOf(keys) };
  }

  /** The entries of the mapping at a path, in order. */
  entries(...keys: readonly string[]): [string, ConfigValue][] {
    const found = this.get(...keys);
    if (found === undefined) return [];
    if (!isMapping(found.value)) throw wrongType(found, keys, 'a mapping');
    return Object.entries(found.value).map(([key, value]) => [
      key,
      { value, file: this.fileOf([...keys, key]) },
    ]);
  }

  text(...keys: readonly string[]): string | undefined {
    const found = this.get(...keys);
    if (found === undefined || typeof found.value === 'string') return found?.value as string | undefined;
    throw wrongType(found, keys, 'a text');
  }

  boolean(...keys: readonly string[]): boolean | undefined {
    const found = this.get(...keys);
    if (found === undefined || typeof found.value === 'boolean') return found?.value as boolean | undefined;
    throw wrongType(found, keys, 'true or false');
  }

  /** A number that is at least 0. */
  number(...keys: readonly string[]): number | undefined {
    const found = this.get(...keys);
    if (found === undefined) return undefined;
    if (typeof found.value === 'number' && found.value >= 0) return found.value;
    throw wrongType(found, keys, 'a number');
  }

  fileOf(keys: readonly string[]): string {
    for (let length = keys.length; length > 0; length--) {
      const file = this.#files.get(pathOf(keys.slice(0, length)));
      if (file !== undefined) return file;
    }
    return '';
  }
}

/** The error that a value is not what it must be. */
export function wrongType({ value, file }: ConfigValue, keys: readonly string[], wanted: string): UsageError {
  const path = keys.join(':');
  return new UsageError('config', `Cannot use "${path}" of "${file}": it is not ${wanted}`, {
    data: { path: file, key: path, actual: value, expected: wanted },
  });
}

/** `~` and `~/…`. */
export function expandHome(path: string, homeFolder: string): string {
  return path === '~' || path.startsWith('~/') ? homeFolder + path.slice(1) : path;
}

interface Merging {
  readonly file: string;
  readonly files: Map<string, string>;
  readonly path: string;
}

/** The stronger scope's keys come first, as in Spack: the order of projections depends on it. A key `x::` replaces, not merges. */
function mergeMappings(weaker: JsonObject, stronger: JsonObject, merging: Merging): JsonObject {
  const entries = new Map<string, JsonValue>();
  for (const [name, value] of Object.entries(stronger)) {
    const key = name.replace(/[:+-]$/, '');
    const path = merging.path === '' ? key : `${merging.path}\0${key}`;
    merging.files.set(path, merging.file);
    const old = name.endsWith(':') || !Object.hasOwn(weaker, key) ? undefined : weaker[key];
    entries.set(
      key,
      isMapping(value) ? mergeMappings(isMapping(old) ? old : {}, value, { ...merging, path }) : value,
    );
  }
  for (const [key, value] of Object.entries(weaker)) if (!entries.has(key)) entries.set(key, value);
  return Object.fromEntries(entries);
}

function pathOf(keys: readonly string[]): string {
  return keys.join('\0');
}
