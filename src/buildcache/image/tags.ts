// The tags by which packages and their index are found in a registry (Spack `_oci_default_tag`, `ensure_valid_tag`).
import type { SpecNode } from '../../spec/spec.js';

export const INDEX_TAG = 'index.spack';
/** Spack takes any tag that ends otherwise for something else. */
const PACKAGE_ENDING = '.spack';
const LONGEST_TAG = 128;
const HASH = /-([a-z2-7]{32})\.spack$/;
/** A tag of the distribution specification. */
const TAG = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;

/** The tag of a package. */
export function packageTag({ name, version, hash }: Pick<SpecNode, 'name' | 'version' | 'hash'>): string {
  return validTag(`${name}-${version}-${hash}${PACKAGE_ENDING}`);
}

/** The hash of the package that a tag stands for; undefined for other tags. */
export function hashOfTag(tag: string): string | undefined {
  return tag === INDEX_TAG ? undefined : HASH.exec(tag)?.[1];
}

/** Whether a registry takes it. */
export function isTag(text: string): boolean {
  return TAG.test(text);
}

/** Whether readers of build caches would look into what has this tag. */
export function isReservedTag(tag: string): boolean {
  return tag.endsWith(PACKAGE_ENDING);
}

function validTag(text: string): string {
  const valid = text.replace(/[^A-Za-z0-9_.-]/g, '_');
  return valid.length <= LONGEST_TAG ? valid : valid.slice(0, 64) + valid.slice(-64);
}
