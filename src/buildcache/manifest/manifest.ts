// A manifest of layout 3: which blobs a package, an index or a key consists of (FORMATS.md §1; Spack `BuildcacheManifest`).
import { IntegrityError, MetadataError } from '../../core/errors.js';
import { parseJsonDocument } from '../../spec/json/json-document.js';
import { JsonFact } from '../../spec/json/json-fact.js';
import {
  COMPRESSIONS,
  type Compression,
  type ContentKind,
  kindOfMediaType,
  MEDIA_TYPES,
} from './media-types.js';

export const MANIFEST_VERSION = 3;

/** One blob, as it is stored. */
export interface BlobRecord {
  readonly kind: ContentKind;
  /** In bytes. */
  readonly size: number;
  readonly compression: Compression;
  /** 64 lower-case hexadecimal digits. */
  readonly sha256: string;
}

export interface Manifest {
  /** How messages name it. */
  readonly source: string;
  /** Those of a known kind, in the order of the file. */
  readonly records: readonly BlobRecord[];
  /** Media types that are not known: a newer Spack may have written them. */
  readonly unknownTypes: readonly string[];
}

/** No manifest has more than a few records. */
const MOST_RECORDS = 1000;
const SHA256_HEX = /^[0-9a-f]{64}$/;

/**
 * Parses a manifest without a signature (of a signed one: only the text that the signature covers). Unknown properties and records of an
 * unknown media type are skipped.
 * @throws MetadataError `metadata-syntax`, `metadata-compressed`, `metadata-invalid`, `manifest-version-unsupported`,
 * `compression-unsupported`; IntegrityError `checksum-invalid`
 */
export function parseManifest(bytes: Uint8Array, source: string): Manifest {
  const document = new JsonFact(parseJsonDocument(bytes, source), source);
  requireVersion(document);
  const items = document.get('data').items();
  if (items.length > MOST_RECORDS) throw document.get('data').invalid(`a list of at most ${MOST_RECORDS}`);
  const records: BlobRecord[] = [];
  const unknownTypes: string[] = [];
  for (const item of items) {
    const mediaType = item.get('mediaType').text();
    const kind = kindOfMediaType(mediaType);
    if (kind === undefined) unknownTypes.push(mediaType);
    else records.push(readRecord(item, kind));
  }
  return { source, records, unknownTypes };
}

/**
 * The record of a kind; of several the first, as Spack takes it.
 * @throws MetadataError `manifest-record-missing`
 */
export function requireRecord({ source, records, unknownTypes }: Manifest, kind: ContentKind): BlobRecord {
  const found = records.find((record) => record.kind === kind);
  if (found !== undefined) return found;
  const others = unknownTypes.map((type) => JSON.stringify(type.slice(0, 80))).join(', ');
  throw new MetadataError(
    'manifest-record-missing',
    `Cannot use "${source}": the manifest names no ${kind} (${MEDIA_TYPES[kind]})`,
    {
      ...(others !== '' && { hint: `A newer Spack may have written it: it has ${others}` }),
      data: { source, expected: MEDIA_TYPES[kind], actual: unknownTypes },
    },
  );
}

function requireVersion(document: JsonFact): void {
  const version = document.get('version').count();
  if (version === MANIFEST_VERSION) return;
  throw new MetadataError(
    'manifest-version-unsupported',
    `Cannot read "${document.source}": its manifest version is ${version}, not ${MANIFEST_VERSION}`,
    {
      hint:
        version > MANIFEST_VERSION
          ? 'A newer Spack wrote it: update regraft'
          : 'Spack writes no such manifest: push the package again, or update the index',
      data: { source: document.source, actual: version, expected: MANIFEST_VERSION },
    },
  );
}

function readRecord(item: JsonFact, kind: ContentKind): BlobRecord {
  const size = readSize(item.get('contentLength'));
  const compression = readCompression(item.get('compression'), kind);
  return { kind, size, compression, sha256: readChecksum(item) };
}

/** Whoever reads a blob compares it with what is there; nothing is allocated for it. */
function readSize(fact: JsonFact): number {
  if (typeof fact.value !== 'number' || !Number.isInteger(fact.value))
    throw fact.invalid('a number of bytes');
  if (!Number.isSafeInteger(fact.value) || fact.value < 0) throw fact.invalid('the size of a file');
  return fact.value;
}

function readCompression(fact: JsonFact, kind: ContentKind): Compression {
  const text = fact.text();
  const known = COMPRESSIONS[kind].find((each) => each === text);
  if (known !== undefined) return known;
  throw new MetadataError(
    'compression-unsupported',
    `Cannot use "${fact.source}": its ${kind} is stored with compression "${text.slice(0, 40)}", not "${COMPRESSIONS[kind].join('" or "')}"`,
    {
      data: { source: fact.source, path: fact.path, actual: text.slice(0, 40), expected: COMPRESSIONS[kind] },
    },
  );
}

/** The digest becomes part of a path: nothing but a sha256 as digits will do. */
function readChecksum(item: JsonFact): string {
  const algorithm = item.get('checksumAlgorithm').text();
  const checksum = item.get('checksum').text();
  if (algorithm === 'sha256' && SHA256_HEX.test(checksum)) return checksum;
  const shown = `${algorithm.slice(0, 20)}:${checksum.slice(0, 80)}`;
  throw new IntegrityError(
    'checksum-invalid',
    `Cannot use "${item.source}": the checksum "${shown}" is not a sha256`,
    {
      data: {
        source: item.source,
        path: item.path,
        actual: shown,
        expected: 'sha256, 64 lower-case hexadecimal digits',
      },
    },
  );
}
