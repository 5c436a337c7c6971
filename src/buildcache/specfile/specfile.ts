// The specfile of a build cache: a spec with the layout version and the checksum of its tarball (FORMATS.md §1, §2).

import { IntegrityError, MetadataError } from '../../core/errors.js';
import { parseJsonDocument } from '../../spec/json/json-document.js';
import { JsonFact } from '../../spec/json/json-fact.js';
import { parseSpecDictionary } from '../../spec/json/spec-json.js';
import type { JsonValue, Spec } from '../../spec/spec.js';

/** The newest layout whose names and tarballs lie as `layout.ts` says; layout 3 has manifests instead. */
export const NEWEST_SPECFILE_LAYOUT = 2;

const SHA256_HEX = /^[0-9a-f]{64}$/;

/** The checksum as the file has it; `requireChecksum` says whether it is one. */
export interface SpecfileChecksum {
  readonly algorithm: string | undefined;
  readonly hash: string | undefined;
}

export interface Specfile {
  readonly spec: Spec;
  readonly layoutVersion: number;
  readonly checksum: SpecfileChecksum | undefined;
}

export interface ParseSpecfileOptions {
  /** The newest layout version to accept. */
  readonly newestLayout?: number;
}

/**
 * Parses a specfile without a signature (of a signed one: only the text that the signature covers).
 *
 * @param bytes - the whole text.
 * @param source - how messages name the file.
 * @throws MetadataError `metadata-compressed`, `metadata-syntax`, `metadata-invalid`, `layout-unsupported`,
 *   `specfile-version-unsupported`.
 */
export function parseSpecfile(
  bytes: Uint8Array,
  source: string,
  options: ParseSpecfileOptions = {},
): Specfile {
  return readSpecfile(parseJsonDocument(bytes, source), source, options);
}

/** As `parseSpecfile`, for JSON that was parsed already (the config blob of an OCI manifest). */
export function readSpecfile(json: JsonValue, source: string, options: ParseSpecfileOptions = {}): Specfile {
  const document = new JsonFact(json, source);
  const layoutVersion = document.find('buildcache_layout_version')?.count() ?? 0;
  requireKnownLayout(layoutVersion, source, options.newestLayout ?? NEWEST_SPECFILE_LAYOUT);
  const checksum = document.find('binary_cache_checksum');
  return {
    spec: parseSpecDictionary(json, source),
    layoutVersion,
    checksum: checksum === undefined || checksum.value === null ? undefined : readChecksum(checksum),
  };
}

/**
 * The sha256 that the tarball must have, as 64 lower-case hexadecimal digits. The algorithm's name does not count:
 * sha256 is what every Spack computes, whatever it wrote there.
 *
 * @throws IntegrityError `checksum-missing`, `checksum-invalid`.
 */
export function requireChecksum(specfile: Pick<Specfile, 'spec' | 'checksum'>): string {
  const { name, hash: dagHash } = specfile.spec.root;
  const hash = specfile.checksum?.hash;
  if (hash === undefined) {
    throw new IntegrityError('checksum-missing', `Cannot verify "${name}": its specfile has no checksum`, {
      hint: 'Push the package again',
      data: { name, hash: dagHash },
    });
  }
  if (SHA256_HEX.test(hash)) return hash;
  throw new IntegrityError(
    'checksum-invalid',
    `Cannot verify "${name}": the checksum "${hash.slice(0, 80)}" in its specfile is no sha256`,
    {
      data: { name, hash: dagHash, actual: hash.slice(0, 80), expected: '64 lower-case hexadecimal digits' },
    },
  );
}

function requireKnownLayout(layoutVersion: number, source: string, newest: number): void {
  if (layoutVersion <= newest) return;
  throw new MetadataError(
    'layout-unsupported',
    `Cannot read "${source}": its layout version is ${layoutVersion}, the newest supported one is ${newest}`,
    {
      hint: 'A newer Spack wrote it: update regraft',
      data: { source, actual: layoutVersion, supported: newest },
    },
  );
}

function readChecksum(checksum: JsonFact): SpecfileChecksum {
  return { algorithm: checksum.find('hash_algorithm')?.text(), hash: checksum.find('hash')?.text() };
}
