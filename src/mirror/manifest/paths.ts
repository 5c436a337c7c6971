// Names and places in a mirror of layout 3, relative to its root (FORMATS.md §1).
import { UsageError } from '../../core/errors.js';
import type { SpecNode } from '../../spec/spec.js';

/** Everything but the blobs lies below it. */
export const MANIFESTS_ROOT = 'v3';
export const LAYOUT_PATH = 'v3/layout.json';
/** What stands there, as Spack writes it. */
export const LAYOUT_TEXT = '{"signing": "gpg"}';
export const SPEC_MANIFESTS = 'v3/manifests/spec';
export const KEY_MANIFESTS = 'v3/manifests/key';
export const INDEX_MANIFESTS = 'v3/manifests/index';
export const KEY_INDEX_MANIFEST = `${KEY_MANIFESTS}/keys.manifest.json`;
export const BLOBS = 'blobs/sha256';
/** Ours alone: no Spack looks there. */
export const REMOVAL_NOTES = 'regraft/removals';

const INDEX_MANIFEST = 'index.manifest.json';
const SPEC_ENDING = '.spec.manifest.json';
const KEY_ENDING = '.key.manifest.json';
const DAG_HASH_LENGTH = 32;

/** Where the manifest of a package lies. */
export function specManifestPath({
  name,
  version,
  hash,
}: Pick<SpecNode, 'name' | 'version' | 'hash'>): string {
  return `${SPEC_MANIFESTS}/${pathPart(name)}/${pathPart(`${name}-${version}-${hash}`)}${SPEC_ENDING}`;
}

/** The dag hash in the name of a spec manifest; undefined for other files. */
export function hashOfSpecManifest(path: string): string | undefined {
  if (!path.startsWith(`${SPEC_MANIFESTS}/`) || !path.endsWith(SPEC_ENDING)) return undefined;
  const base = path.slice(0, -SPEC_ENDING.length);
  return /-([a-z2-7]+)$/.exec(base.slice(-DAG_HASH_LENGTH - 1))?.[1];
}

/** Where the manifest of an index lies: of the mirror's own, or of a view. */
export function indexManifestPath(view: string | undefined): string {
  return view === undefined
    ? `${INDEX_MANIFESTS}/${INDEX_MANIFEST}`
    : `${INDEX_MANIFESTS}/${view}/${INDEX_MANIFEST}`;
}

/**
 * A name of a view, which may have slashes: it becomes a path.
 * @throws UsageError `usage`
 */
export function requireViewName(view: string): string {
  const isPath = view.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
  if (isPath && !/[\u0000-\u001f\u007f\\]/.test(view)) return view;
  throw new UsageError('usage', `Cannot use ${JSON.stringify(view)} as a view: it is not a relative path`, {
    hint: 'A view has a name such as "small" or "team/tools"',
    data: { view },
  });
}

/** The view whose index manifest a path is: '' for the mirror's own index, undefined for other files. */
export function viewOfIndexManifest(path: string): string | undefined {
  if (!path.startsWith(`${INDEX_MANIFESTS}/`) || !path.endsWith(`/${INDEX_MANIFEST}`)) return undefined;
  return path.slice(INDEX_MANIFESTS.length + 1, -INDEX_MANIFEST.length).replace(/\/$/, '');
}

/** Where the manifest of a key lies. */
export function keyManifestPath(fingerprint: string): string {
  return `${KEY_MANIFESTS}/${fingerprint}${KEY_ENDING}`;
}

/** The fingerprint that a key manifest is named by; undefined for other files. */
export function fingerprintOfKeyManifest(path: string): string | undefined {
  if (!path.startsWith(`${KEY_MANIFESTS}/`) || !path.endsWith(KEY_ENDING)) return undefined;
  return path.slice(KEY_MANIFESTS.length + 1, -KEY_ENDING.length);
}

/** Where a blob lies. */
export function blobPath(sha256: string): string {
  return `${BLOBS}/${sha256.slice(0, 2)}/${sha256}`;
}

/** The digest of the blob that a path is; undefined for other files. */
export function digestOfBlob(path: string): string | undefined {
  const digest = /^blobs\/sha256\/[0-9a-f]{2}\/([0-9a-f]{64})$/.exec(path)?.[1];
  return digest !== undefined && blobPath(digest) === path ? digest : undefined;
}

/** Spack's rule for a component of a path; Spack 1.x keeps `+` too. */
function pathPart(text: string): string {
  return text.trim().replace(/[^A-Za-z0-9_.+-]/g, '_');
}
