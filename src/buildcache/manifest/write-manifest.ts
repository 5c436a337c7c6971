// Writes a manifest of layout 3: one value a line, since GnuPG cuts long lines, as Python's json does it with an indent of 0.
import { encodeUtf8 } from '../../core/bytes.js';
import { type BlobRecord, MANIFEST_VERSION } from './manifest.js';
import { MEDIA_TYPES } from './media-types.js';

/** The text of a manifest; no final newline. */
export function formatManifest(records: readonly BlobRecord[]): Uint8Array {
  const data = records.map(({ kind, size, compression, sha256 }) =>
    formatObject({
      contentLength: size,
      mediaType: MEDIA_TYPES[kind],
      compression,
      checksumAlgorithm: 'sha256',
      checksum: sha256,
    }),
  );
  return encodeUtf8(`{\n"version":${MANIFEST_VERSION},\n"data":${formatItems('[', data, ']')}\n}`);
}

function formatObject(object: Readonly<Record<string, string | number>>): string {
  const items = Object.entries(object).map(([key, value]) => `"${key}":${JSON.stringify(value)}`);
  return formatItems('{', items, '}');
}

function formatItems(open: string, items: readonly string[], close: string): string {
  return items.length === 0 ? open + close : `${open}\n${items.join(',\n')}\n${close}`;
}
