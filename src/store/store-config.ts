// Which tree a command works on, and how prefixes are made in it: what the command line says, else the configuration of the Spack
// in $SPACK_ROOT, else a tree of our own. DESIGN.md §6; FORMATS.md §1 "Projections", §5 "Padding"; Spack `parse_install_tree`.
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { UsageError } from '../core/errors.js';
import { expandConfigPath } from '../config/config-path.js';
import type { LockTimeouts } from './locks.js';
import { addPadding, LONGEST_PADDED_LENGTH, padRoot, unpaddedRoot } from './padding.js';
import type { Audience, PackagePermissions, PermissionSettings } from './permissions.js';
import { ConfigSection, type SpackConfigRequest, wrongType } from '../config/spack-config.js';

/** A constraint on specs, or `all`, and the template for what satisfies it. */
export type ProjectionEntry = readonly [constraint: string, template: string];

export interface StoreConfigRequest {
  readonly root?: string | undefined;
  /** For `all` packages. */
  readonly projection?: string | undefined;
  readonly paddedLength?: number | undefined;
  readonly spackPrefix?: string | undefined;
  /** Asked before those of the configuration. */
  readonly upstreams?: readonly string[];
  readonly environment?: Readonly<Record<string, string | undefined>>;
  readonly homeFolder?: string;
}

export interface StoreConfig {
  /** Where the root comes from. */
  readonly source: 'option' | 'spack' | 'default';
  /** With its padding. */
  readonly root: string;
  readonly unpaddedRoot: string;
  /** In the order in which they are tried; undefined: the default projection. */
  readonly projections: readonly ProjectionEntry[] | undefined;
  /** `config:install_hash_length`. */
  readonly hashLength: number | undefined;
  readonly allowSetGroupId: boolean;
  readonly permissions: PackagePermissions;
  readonly upstreams: readonly string[];
  readonly spackPrefix: string | undefined;
  /** `config:locks` is false. */
  readonly noLock: boolean;
  readonly lockTimeouts: LockTimeouts;
}

/**
 * Works out the store that a command means.
 *
 * @throws UsageError `config` naming file and key, `padding`, `usage`.
 */
export function resolveStoreConfig(request: StoreConfigRequest = {}): StoreConfig {
  const environment = request.environment ?? process.env;
  const homeFolder = request.homeFolder ?? environment.HOME ?? homedir();
  const spackPrefix = request.spackPrefix ?? (environment.SPACK_ROOT || undefined);
  const base = { request, environment, homeFolder, spackPrefix };
  if (request.root !== undefined) return configFromOptions(base, request.root, 'option');
  if (environment.SPACK_ROOT)
    return configFromSpack(base, { spackPrefix: resolve(environment.SPACK_ROOT), environment, homeFolder });
  const data = environment.XDG_DATA_HOME || join(homeFolder, '.local', 'share');
  return configFromOptions(base, join(data, 'regraft', 'opt'), 'default');
}

interface Base {
  readonly request: StoreConfigRequest;
  readonly spackPrefix: string | undefined;
}

function configFromOptions(
  { request, spackPrefix }: Base,
  root: string,
  source: 'option' | 'default',
): StoreConfig {
  if (root === '') throw new UsageError('usage', 'Cannot use "" as the root of a store: it is empty');
  const given = resolve(root);
  const padded = request.paddedLength === undefined ? given : padRoot(given, request.paddedLength);
  return {
    source,
    root: padded,
    unpaddedRoot: request.paddedLength === undefined ? unpaddedRoot(given) : given,
    projections: projectionOption(request),
    hashLength: undefined,
    allowSetGroupId: true,
    permissions: {},
    upstreams: (request.upstreams ?? []).map((upstream) => resolve(upstream)),
    spackPrefix,
    noLock: false,
    lockTimeouts: {},
  };
}

function projectionOption({ projection }: StoreConfigRequest): readonly ProjectionEntry[] | undefined {
  return projection === undefined ? undefined : [['all', projection]];
}

function configFromSpack({ request, spackPrefix }: Base, spack: SpackConfigRequest): StoreConfig {
  const config = ConfigSection.read('config', spack);
  const tree = installTree(config, spack);
  const own =
    request.paddedLength === undefined ? tree.root : padRoot(tree.unpaddedRoot, request.paddedLength);
  return {
    source: 'spack',
    root: own,
    unpaddedRoot: tree.unpaddedRoot,
    projections: projectionOption(request) ?? tree.projections,
    hashLength: hashLength(config),
    allowSetGroupId: config.boolean('config', 'allow_sgid') ?? true,
    permissions: permissions(ConfigSection.read('packages', spack)),
    upstreams: [
      ...(request.upstreams ?? []).map((upstream) => resolve(upstream)),
      ...upstreamRoots(ConfigSection.read('upstreams', spack), spack),
    ],
    spackPrefix,
    noLock: config.boolean('config', 'locks') === false,
    lockTimeouts: lockTimeouts(config),
  };
}

interface InstallTree {
  readonly root: string;
  readonly unpaddedRoot: string;
  readonly projections: readonly ProjectionEntry[] | undefined;
}

function installTree(config: ConfigSection, spack: SpackConfigRequest): InstallTree {
  const found = config.get('config', 'install_tree');
  if (typeof found?.value === 'string') return oldInstallTree(config, found.value, spack);
  const keys = ['config', 'install_tree', 'root'];
  const path = config.text(...keys) ?? '$spack/opt/spack';
  const { root, padding } = splitOldPadding(path);
  const expanded = expandConfigPath({ path: root, file: config.fileOf(keys), key: keys.join(':') }, spack);
  return {
    ...padAsSpack(expanded, paddedLength(config) ?? padding),
    projections: projections(config),
  };
}

/** Before 0.16 the install tree was a path, perhaps with its padding in it, and the template stood beside it. */
function oldInstallTree(config: ConfigSection, value: string, spack: SpackConfigRequest): InstallTree {
  const { root, padding } = splitOldPadding(value);
  const keys = ['config', 'install_tree'];
  const expanded = expandConfigPath({ path: root, file: config.fileOf(keys), key: keys.join(':') }, spack);
  const scheme = config.text('config', 'install_path_scheme');
  return {
    ...padAsSpack(expanded, padding),
    projections: scheme === undefined ? undefined : [['all', scheme]],
  };
}

function splitOldPadding(path: string): { root: string; padding: number | undefined } {
  const found = /\$padding(?::(\d+))?|\$\{padding(?::(\d+))?\}/.exec(path);
  if (found === null) return { root: path, padding: undefined };
  const length = found[1] ?? found[2];
  return {
    root: path.replace(found[0], ''),
    padding: length === undefined ? LONGEST_PADDED_LENGTH : Number(length),
  };
}

/** A length that cannot be reached is no error here: the tree is where Spack has it. */
function padAsSpack(root: string, length: number | undefined): { root: string; unpaddedRoot: string } {
  return { root: length === undefined ? root : addPadding(root, length), unpaddedRoot: root };
}

function paddedLength(config: ConfigSection): number | undefined {
  const keys = ['config', 'install_tree', 'padded_length'];
  const found = config.get(...keys);
  if (found === undefined || found.value === false || found.value === 0) return undefined;
  if (found.value === true) return LONGEST_PADDED_LENGTH;
  if (Number.isSafeInteger(found.value) && Number(found.value) <= LONGEST_PADDED_LENGTH)
    return Number(found.value);
  throw wrongType(found, keys, `true, false or a whole number up to ${LONGEST_PADDED_LENGTH}`);
}

function projections(config: ConfigSection): readonly ProjectionEntry[] | undefined {
  const keys = ['config', 'install_tree', 'projections'];
  const entries = config.entries(...keys).map(([constraint, found]): ProjectionEntry => {
    if (typeof found.value !== 'string') throw wrongType(found, [...keys, constraint], 'a text');
    return [constraint, found.value];
  });
  return entries.length === 0 ? undefined : entries;
}

function hashLength(config: ConfigSection): number | undefined {
  const keys = ['config', 'install_hash_length'];
  const length = config.number(...keys);
  if (length === undefined || (Number.isInteger(length) && length >= 1)) return length;
  throw wrongType({ value: length, file: config.fileOf(keys) }, keys, 'a whole number from 1 on');
}

/** Seconds in Spack's configuration; null waits without end. */
function lockTimeouts(config: ConfigSection): LockTimeouts {
  const database = config.number('config', 'db_lock_timeout');
  const prefix = config.number('config', 'package_lock_timeout');
  return {
    ...(database ? { database: database * 1000 } : {}),
    ...(prefix ? { prefix: prefix * 1000 } : {}),
  };
}

const AUDIENCES: readonly string[] = ['user', 'group', 'world'] satisfies Audience[];

function permissions(packages: ConfigSection): PackagePermissions {
  const names = packages
    .entries('packages')
    .filter(([name]) => packages.get('packages', name, 'permissions'));
  return Object.fromEntries(names.map(([name]) => [name, permissionSettings(packages, name)]));
}

function permissionSettings(packages: ConfigSection, name: string): PermissionSettings {
  const keys = ['packages', name, 'permissions'];
  packages.entries(...keys);
  const read = audience(packages, [...keys, 'read']);
  const write = audience(packages, [...keys, 'write']);
  const group = groupName(packages, [...keys, 'group']);
  return { ...(read ? { read } : {}), ...(write ? { write } : {}), ...(group ? { group } : {}) };
}

function audience(packages: ConfigSection, keys: readonly string[]): Audience | undefined {
  const found = packages.get(...keys);
  if (found === undefined || found.value === '') return undefined;
  if (typeof found.value === 'string' && AUDIENCES.includes(found.value)) return found.value as Audience;
  throw wrongType(found, keys, `one of ${AUDIENCES.join(', ')}`);
}

function groupName(packages: ConfigSection, keys: readonly string[]): string | undefined {
  const found = packages.get(...keys);
  if (found === undefined) return undefined;
  if (typeof found.value === 'string') return found.value;
  if (Number.isSafeInteger(found.value) && Number(found.value) >= 0) return String(found.value);
  throw wrongType(found, keys, 'the name or the number of a group');
}

function upstreamRoots(upstreams: ConfigSection, spack: SpackConfigRequest): string[] {
  const roots = upstreams.entries('upstreams').map(([name]) => {
    const keys = ['upstreams', name, 'install_tree'];
    const path = upstreams.text(...keys);
    if (path === undefined) return undefined;
    return expandConfigPath({ path, file: upstreams.fileOf(keys), key: keys.join(':') }, spack);
  });
  return roots.filter((root) => root !== undefined);
}
