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

/** Specfiles of large environments take a few megabytes. */
export const LARGEST_SPECFILE = 64 << 20;

/**
 * The common prefix of the names of a package's files.
 *
 * @param node - the package.
 * @param graph - its graph, needed for the compiler of nodes of format 5.
 */
export function packageName(node: SpecNode, graph?: NodeGraph): string {
  return expandPath(PACKAGE_NAME, node, graph);
}

/** Path of the specfile of a package. */
export function specfilePath(
  node: SpecNode,
  options: { readonly signed: boolean; readonly spec?: NodeGraph },
): string {
  const ending = options.signed ? SIGNED_SPECFILE_ENDING : SPECFILE_ENDING;
  return `${ROOT}/${packageName(node, options.spec)}${ending}`;
}

/** Path of the tarball of a package. */
export function tarballPath(node: SpecNode, graph?: NodeGraph): string {
  return `${ROOT}/${expandPath(PACKAGE_DIRECTORY, node, graph)}/${packageName(node, graph)}${TARBALL_ENDING}`;
}

/** A path relative to the packages' folder, as in downloads. */
export function withoutRoot(path: string): string {
  return path.slice(ROOT.length + 1);
}

/** The path in a mirror of a file of a package, which is named as in downloads. */
export function withRoot(path: string): string {
  return `${ROOT}/${path}`;
}

/** Path of the specfile of the other kind: of a signed one the unsigned one, and the other way round. */
export function otherSpecfilePath(path: string): string {
  return path.endsWith(SIGNED_SPECFILE_ENDING)
    ? `${path.slice(0, -SIGNED_SPECFILE_ENDING.length)}${SPECFILE_ENDING}`
    : `${path.slice(0, -SPECFILE_ENDING.length)}${SIGNED_SPECFILE_ENDING}`;
}

/** Path of the public key with a fingerprint. */
export function keyPath(fingerprint: string): string {
  return `${KEYS_ROOT}/${fingerprint}.pub`;
}
