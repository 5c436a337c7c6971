// The modes that `packages:<name|all>:permissions` asks for. FORMATS.md §5 "modes"; Spack `get_package_permissions`,
// `set_permissions`, `chmod_x`. Pure: the stage sets the modes.
import type { Audience, PackagePermissions, PermissionSettings } from '../../config/package-permissions.js';
import { UsageError } from '../../core/errors.js';

/** The modes of one package. */
export interface PermissionPolicy {
  /** Mode of a directory, before the special bits it already has are added. */
  readonly directoryBits: number;
  /** Mode of an executable; for other files, the three x bits are removed. */
  readonly fileBits: number;
  readonly group: string | undefined;
}

export interface PolicyRequest {
  readonly packageName: string;
  readonly permissions: PackagePermissions;
  /** `config:allow_sgid`: new files get the group of their directory. */
  readonly allowSetGroupId?: boolean;
}

const SET_USER_ID = 0o4000;
const SET_GROUP_ID = 0o2000;
/** Set-user-ID, set-group-ID, sticky. */
export const SPECIAL_BITS = 0o7000;
const EXECUTE_BITS = 0o111;
const GROUP_BITS = 0o070;
const GROUP_WRITE = 0o020;
const WORLD_WRITE = 0o002;

const READ_BITS: Readonly<Record<Audience, number>> = { user: 0o700, group: 0o750, world: 0o755 };
const WRITE_BITS: Readonly<Record<Audience, number>> = { user: 0, group: 0o020, world: 0o022 };
const REACH: Readonly<Record<Audience, number>> = { user: 0, group: 1, world: 2 };

/**
 * Works out the modes of a package's files.
 *
 * @throws UsageError `config` if write permission is wider than read permission, or directories would be setgid and world-writable.
 */
export function permissionPolicy(request: PolicyRequest): PermissionPolicy {
  const { packageName, allowSetGroupId = true } = request;
  const read = setting(request, (settings) => settings.read) ?? 'world';
  const write = setting(request, (settings) => settings.write) ?? 'user';
  if (REACH[write] > REACH[read])
    throw new UsageError(
      'config',
      `Cannot use the permissions of "${packageName}": ${write} may write but not read`,
      {
        hint: 'Set "packages:<name>:permissions:read" to at least the value of "write"',
        data: { package: packageName, read, write },
      },
    );
  const bits = READ_BITS[read] | WRITE_BITS[write];
  const setGroupId = allowSetGroupId && (bits & GROUP_BITS) !== 0 ? SET_GROUP_ID : 0;
  const policy = {
    directoryBits: bits | setGroupId,
    fileBits: bits,
    group: setting(request, (settings) => settings.group),
  };
  refuseUnsafe(policy.directoryBits, `directories of "${packageName}"`);
  return policy;
}

/** The setting of the package, else that of `all`; an empty setting counts as none. */
function setting<Value>(
  { packageName, permissions }: PolicyRequest,
  read: (settings: PermissionSettings) => Value | undefined,
): Value | undefined {
  const own = Object.hasOwn(permissions, packageName) ? permissions[packageName] : undefined;
  return (own && read(own)) || (permissions.all && read(permissions.all)) || undefined;
}

/** The mode for a directory; keeps the set-user-ID, set-group-ID and sticky bits. */
export function directoryMode(policy: PermissionPolicy, current = 0): number {
  return refuseUnsafe(policy.directoryBits | (current & SPECIAL_BITS), 'a directory');
}

/**
 * The mode for a regular file with the mode `current`: if anyone could execute it, everyone who may read it can.
 *
 * @throws UsageError `config` for a setuid file that others may write, or a world-writable setgid file.
 */
export function fileMode(policy: PermissionPolicy, current: number): number {
  const executable = (current & EXECUTE_BITS) !== 0;
  const bits = executable ? policy.fileBits : policy.fileBits & ~EXECUTE_BITS;
  return refuseUnsafe(bits | (current & SPECIAL_BITS), 'a file');
}

function refuseUnsafe(mode: number, what: string): number {
  const isUnsafe =
    (mode & SET_USER_ID && mode & (GROUP_WRITE | WORLD_WRITE)) || (mode & SET_GROUP_ID && mode & WORLD_WRITE);
  if (!isUnsafe) return mode;
  throw new UsageError(
    'config',
    `Cannot set mode ${mode.toString(8)} on ${what}: others could modify what runs as its owner or group`,
    {
      hint: 'Restrict "packages:all:permissions:write", or set "config:allow_sgid" to false',
      data: { mode: mode.toString(8) },
    },
  );
}
