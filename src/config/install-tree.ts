// `config:install_tree`: the root of a Spack's install tree, its padding, and how prefixes are named.
// FORMATS.md §1 "Projections", §5 "Padding"; Spack `parse_install_tree`.
import { expandConfigPath } from './config-path.js';
import type { SpackConfigRequest } from './scopes/spack-config-request.js';
import type { ConfigSection } from './spack-config.js';

/** A constraint on specs, or `all`, and the template for what satisfies it. */
export type ProjectionEntry = readonly [constraint: string, template: string];

export interface InstallTree {
  /** Without padding. */
  readonly root: string;
  readonly paddedLength: number | undefined;
  /** In the order they are tried; undefined means the default projection. */
  readonly projections: readonly ProjectionEntry[] | undefined;
}

/** How many characters of the longest path `padded_length: true` leaves for paths below the root. */
const RESERVED_LENGTH = 300;

/** The longest path of the system: PATH_MAX on Linux and macOS. */
const SYSTEM_PATH_LIMIT = process.platform === 'darwin' ? 1024 : 4096;

/** The length that `padded_length: true` stands for. */
export const LONGEST_PADDED_LENGTH = SYSTEM_PATH_LIMIT - RESERVED_LENGTH;

const TREE = ['config', 'install_tree'] as const;

/** @throws UsageError `config` */
export function readInstallTree(config: ConfigSection, spack: SpackConfigRequest): InstallTree {
  const tree = config.get(...TREE);
  if (tree?.isText) return oldInstallTree(config, tree.text(), spack);
  const keys = [...TREE, 'root'];
  const { root, padding } = splitOldPadding(config.get(...keys)?.text() ?? '$spack/opt/spack');
  return {
    root: expandConfigPath({ path: root, file: config.fileOf(...keys), key: keys.join(':') }, spack),
    paddedLength: paddedLength(config) ?? padding,
    projections: projections(config),
  };
}

/** Before 0.16, `install_tree` was a path, perhaps with padding, and the template was a separate setting. */
function oldInstallTree(config: ConfigSection, value: string, spack: SpackConfigRequest): InstallTree {
  const { root, padding } = splitOldPadding(value);
  const scheme = config.get('config', 'install_path_scheme')?.text();
  return {
    root: expandConfigPath({ path: root, file: config.fileOf(...TREE), key: TREE.join(':') }, spack),
    paddedLength: padding,
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

function paddedLength(config: ConfigSection): number | undefined {
  const found = config.get(...TREE, 'padded_length');
  if (found === undefined || found.value === false || found.value === 0) return undefined;
  if (found.value === true) return LONGEST_PADDED_LENGTH;
  if (Number.isSafeInteger(found.value) && Number(found.value) <= LONGEST_PADDED_LENGTH)
    return Number(found.value);
  throw found.invalid(`is not true, false or a whole number up to ${LONGEST_PADDED_LENGTH}`);
}

function projections(config: ConfigSection): readonly ProjectionEntry[] | undefined {
  const entries = config.get(...TREE, 'projections')?.entries() ?? [];
  return entries.length === 0 ? undefined : entries.map(([constraint, found]) => [constraint, found.text()]);
}
