// The tags by which packages and their index are found in a registry (Spack `_oci_default_tag`, `ensure_valid_tag`).
import { UsageError } from '../../core/errors.js';
import type { SpecNode } from '../../spec/spec.js';

export const INDEX_TAG = 'index.spack';
/** Spack keeps no keys in registries. */
export const KEYS_TAG = 'regraft-keys';
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

/**
 * A tag for an image that is no package: readers of build caches look at every tag that ends as those of packages do.
 * @throws UsageError `usage`
 */
export function requireImageTag(tag: string): void {
  const problem = !TAG.test(tag)
    ? 'a tag has up to 128 letters, digits, "_", "." and "-"'
    : tag.endsWith(PACKAGE_ENDING) || tag === KEYS_TAG
      ? 'such tags are those of the build cache itself'
      : undefined;
  if (problem === undefined) return;
  const shown = tag.slice(0, LONGEST_TAG + 1);
  throw new UsageError('usage', `Cannot call an image "${shown}": ${problem}`, {
    hint: 'Choose another name, such as "tools"',
    data: { tag: shown },
  });
}

function validTag(text: string): string {
  const valid = text.replace(/[^A-Za-z0-9_.-]/g, '_');
  return valid.length <= LONGEST_TAG ? valid : valid.slice(0, 64) + valid.slice(-64);
}
