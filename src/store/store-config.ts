// Which tree a command works on, and how its prefixes are named: from the command line, else the configuration of the Spack in
// $SPACK_ROOT, else regraft's default tree. DESIGN.md §6; FORMATS.md §1 "Projections", §5 "Padding"; Spack `parse_install_tree`.
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import type { ProjectionEntry } from '../config/install-tree.js';
import type { PackagePermissions } from '../config/package-permissions.js';
import type { SpackConfigRequest } from '../config/scopes/spack-config-request.js';
import { type LockTimeouts, readStoreSettings } from '../config/store-settings.js';
import { UsageError } from '../core/errors.js';
import type { Environment } from '../host/environment.js';
import { addPadding, padRoot, unpaddedRoot } from './root/padding.js';

export interface StoreConfigRequest {
  readonly root?: string | undefined;
  /** For `all` packages. */
  readonly projection?: string | undefined;
  readonly paddedLength?: number | undefined;
  readonly spackPrefix?: string | undefined;
  /** Searched before those of the configuration. */
  readonly upstreams?: readonly string[];
  readonly environment?: Environment;
  readonly homeFolder?: string;
}

export interface StoreConfig {
  /** The source of the root. */
  readonly source: 'option' | 'spack' | 'default';
  /** With its padding. */
  readonly root: string;
  readonly unpaddedRoot: string;
  /** In the order they are tried; undefined means the default projection. */
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
 * Determines the store of a command.
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
  const settings = readStoreSettings(spack);
  const { root, paddedLength, projections } = settings.tree;
  return {
    source: 'spack',
    root:
      request.paddedLength === undefined
        ? padAsSpack(root, paddedLength)
        : padRoot(root, request.paddedLength),
    unpaddedRoot: root,
    projections: projectionOption(request) ?? projections,
    hashLength: settings.hashLength,
    allowSetGroupId: settings.allowSetGroupId,
    permissions: settings.permissions,
    upstreams: [...(request.upstreams ?? []).map((upstream) => resolve(upstream)), ...settings.upstreams],
    spackPrefix,
    noLock: !settings.locks,
    lockTimeouts: settings.lockTimeouts,
  };
}

/** A length that cannot be reached is not an error here: the root must be the one Spack uses. */
function padAsSpack(root: string, length: number | undefined): string {
  return length === undefined ? root : addPadding(root, length);
}
