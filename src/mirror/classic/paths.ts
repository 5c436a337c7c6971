// Names and places in a mirror of the layouts 0 to 2, relative to its root (FORMATS.md §1; Spack `tarball_path_name`).

import { expandPath } from '../../spec/projection.js';
import type { NodeGraph, SpecNode } from '../../spec/spec.js';

const ROOT = 'build_cache';
const PACKAGE_DIRECTORY = '{architecture}/{compiler.name}-{compiler.version}/{name}-{version}';
const PACKAGE_NAME = '{architecture}-{compiler.name}-{compiler.version}-{name}-{version}-{hash}';

export const INDEX_PATH = `${ROOT}/index.json`;
export const INDEX_HASH_PATH = `${ROOT}/index.json.hash`;
export const KEYS_ROOT = `${ROOT}/_pgp`;
export const KEY_INDEX_PATH = `${KEYS_ROOT}/index.json`;
/** The directory that holds every specfile. */
export const SPECFILES_ROOT = ROOT;

export const SPECFILE_ENDING = '.spec.json';
export const SIGNED_SPECFILE_ENDING = '.spec.json.sig';
export const TARBALL_ENDING = '.spack';

/** Specfiles of large environments have some megabytes. */
export const LARGEST_SPECFILE = 64 << 20;

/**
 * The name that a package's files begin with.
 *
 * @param node - the package.
 * @param graph - its graph: a node of format 5 has its compiler there.
 */
export function packageName(node: SpecNode, graph?: NodeGraph): string {
  return expandPath(PACKAGE_NAME, node, graph);
}

/** Where the specfile of a package lies. */
export function specfilePath(
  node: SpecNode,
  options: { readonly signed: boolean; readonly spec?: NodeGraph },
): string {
  const ending = options.signed ? SIGNED_SPECFILE_ENDING : SPECFILE_ENDING;
  return `${ROOT}/${packageName(node, options.spec)}${ending}`;
}

/** Where the tarball of a package lies. */
export function tarballPath(node: SpecNode, graph?: NodeGraph): string {
  return `${ROOT}/${expandPath(PACKAGE_DIRECTORY, node, graph)}/${packageName(node, graph)}${TARBALL_ENDING}`;
}

/** A path from the folder of the packages on, as downloads have it. */
export function withoutRoot(path: string): string {
  return path.slice(ROOT.length + 1);
}

/** Where the public key of a fingerprint lies. */
export function keyPath(fingerprint: string): string {
  return `${KEYS_ROOT}/${fingerprint}.pub`;
}
