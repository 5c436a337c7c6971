// `packages:<name|all>:permissions` of `packages.yaml`: who may read and write installed packages.
import type { ConfigSection } from './spack-config.js';

export type Audience = 'user' | 'group' | 'world';

/** The permissions in `packages.yaml` of one package, or of `all`. */
export interface PermissionSettings {
  readonly read?: Audience;
  readonly write?: Audience;
  /** The name or number of a group. */
  readonly group?: string;
}

/** By package name; `all` applies to what a package does not set. */
export type PackagePermissions = Readonly<Record<string, PermissionSettings>>;

const AUDIENCES: readonly string[] = ['user', 'group', 'world'] satisfies Audience[];

/** @throws UsageError `config` */
export function readPermissions(packages: ConfigSection): PackagePermissions {
  const names = (packages.get('packages')?.entries() ?? [])
    .map(([name]) => name)
    .filter((name) => packages.get('packages', name, 'permissions'));
  return Object.fromEntries(names.map((name) => [name, readSettings(packages, name)]));
}

function readSettings(packages: ConfigSection, name: string): PermissionSettings {
  const keys = ['packages', name, 'permissions'];
  packages.get(...keys)?.mapping();
  const read = readAudience(packages, [...keys, 'read']);
  const write = readAudience(packages, [...keys, 'write']);
  const group = readGroup(packages, [...keys, 'group']);
  return { ...(read ? { read } : {}), ...(write ? { write } : {}), ...(group ? { group } : {}) };
}

function readAudience(packages: ConfigSection, keys: readonly string[]): Audience | undefined {
  const found = packages.get(...keys);
  if (found === undefined || found.value === '') return undefined;
  if (found.isText && AUDIENCES.includes(found.text())) return found.text() as Audience;
  throw found.invalid(`is not one of ${AUDIENCES.join(', ')}`);
}

function readGroup(packages: ConfigSection, keys: readonly string[]): string | undefined {
  const found = packages.get(...keys);
  if (found === undefined || found.isText) return found?.text();
  if (Number.isSafeInteger(found.value) && Number(found.value) >= 0) return String(found.value);
  throw found.invalid('is not the name or number of a group');
}
