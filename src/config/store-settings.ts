// The settings of a Spack's store, from its `config.yaml`, `packages.yaml` and `upstreams.yaml`.
import { expandConfigPath } from './config-path.js';
import { type InstallTree, readInstallTree } from './install-tree.js';
import { type PackagePermissions, readPermissions } from './package-permissions.js';
import type { SpackConfigRequest } from './scopes/spack-config-request.js';
import { spackScopes } from './scopes/spack-scopes.js';
import { ConfigSection } from './spack-config.js';

export interface StoreSettings {
  readonly tree: InstallTree;
  /** `config:install_hash_length`. */
  readonly hashLength: number | undefined;
  /** `config:allow_sgid`: new files get the group of their directory. */
  readonly allowSetGroupId: boolean;
  readonly permissions: PackagePermissions;
  /** Roots of the upstream stores, in search order. */
  readonly upstreams: readonly string[];
  /** `config:locks`. */
  readonly locks: boolean;
  readonly lockTimeouts: LockTimeouts;
}

/** Milliseconds; Infinity waits until the signal aborts. Defaults to that of the store. */
export interface LockTimeouts {
  readonly database?: number;
  readonly prefix?: number;
}

/**
 * Reads the settings of a Spack's store.
 * @throws UsageError `config` naming file and key.
 */
export function readStoreSettings(spack: SpackConfigRequest): StoreSettings {
  const scopes = spackScopes(spack);
  const config = ConfigSection.read('config', scopes);
  return {
    tree: readInstallTree(config, spack),
    hashLength: hashLength(config),
    allowSetGroupId: config.get('config', 'allow_sgid')?.boolean() ?? true,
    permissions: readPermissions(ConfigSection.read('packages', scopes)),
    upstreams: upstreamRoots(ConfigSection.read('upstreams', scopes), spack),
    locks: config.get('config', 'locks')?.boolean() ?? true,
    lockTimeouts: lockTimeouts(config),
  };
}

function hashLength(config: ConfigSection): number | undefined {
  const found = config.get('config', 'install_hash_length');
  if (found === undefined) return undefined;
  const length = found.number();
  if (Number.isInteger(length) && length >= 1) return length;
  throw found.invalid('is not a whole number of at least 1');
}

/** Seconds in Spack's configuration; null waits forever. */
function lockTimeouts(config: ConfigSection): LockTimeouts {
  const database = config.get('config', 'db_lock_timeout')?.number();
  const prefix = config.get('config', 'package_lock_timeout')?.number();
  return {
    ...(database ? { database: database * 1000 } : {}),
    ...(prefix ? { prefix: prefix * 1000 } : {}),
  };
}

function upstreamRoots(upstreams: ConfigSection, spack: SpackConfigRequest): string[] {
  const names = (upstreams.get('upstreams')?.entries() ?? []).map(([name]) => name);
  return names.flatMap((name) => {
    const found = upstreams.get('upstreams', name, 'install_tree');
    if (found === undefined) return [];
    return expandConfigPath({ path: found.text(), file: found.file, key: found.key }, spack);
  });
}
