// The specfile in the config of a package's image (Spack `_oci_push`): that of other build caches, compact, and by Spack 1.x with more.
import { asciiJson } from '../../spec/json/ascii-json.js';
import { parseJsonDocument } from '../../spec/json/json-document.js';
import { parseSpecDictionary } from '../../spec/json/spec-json.js';
import { SPEC_BLOB_VERSION, specBlobNodes } from '../manifest/write-spec-blob.js';
import { formatSpecfile } from '../specfile/write-specfile.js';

export interface ImageSpecfileFacts {
  readonly layoutVersion: 1 | 2 | 3;
  /** Of the compressed tarball. */
  readonly sha256: string;
  /** In bytes. */
  readonly size: number;
  readonly now: Date;
}

/**
 * The JSON of the specfile.
 * @param stored - bytes of the package's `.spack/spec.json`.
 * @param source - how messages name it.
 * @throws MetadataError
 */
export function formatImageSpecfile(stored: Uint8Array, source: string, facts: ImageSpecfileFacts): string {
  const { layoutVersion, sha256, size, now } = facts;
  if (layoutVersion < 3) {
    // Only the white space between values is left out: no string has a line break in it.
    const lines = Buffer.from(formatSpecfile(stored, source, { layoutVersion, sha256 })).toString('utf8');
    return lines.replaceAll('\n', '');
  }
  const spec = parseSpecDictionary(parseJsonDocument(stored, source), source);
  return asciiJson({
    spec: { _meta: { version: SPEC_BLOB_VERSION }, nodes: specBlobNodes(spec) },
    buildcache_layout_version: layoutVersion,
    binary_cache_checksum: { hash_algorithm: 'sha256', hash: sha256 },
    archive_size: size,
    // Python writes microseconds and the distance from UTC.
    archive_timestamp: now.toISOString().replace('Z', '000+00:00'),
    archive_compression: 'gzip',
  });
}
