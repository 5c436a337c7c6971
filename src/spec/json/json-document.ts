// Bytes to JSON, with an error that says what the bytes are instead: gzip, HTML, a signed text, broken UTF-8 (RFC 8259).

import { MetadataError } from '../../core/errors.js';
import type { JsonValue } from '../spec.js';

/** Mirrors answer with pages of their own where a file is missing: names them, so that nobody looks for a broken file. */
const LOOKS_LIKE_HTML = /^\s*<(?:!doctype|html|head|body|\?xml|!--)/i;
const CLEARSIGNED = '-----BEGIN PGP SIGNED MESSAGE-----';

/**
 * Parses the bytes of a JSON file.
 *
 * @param bytes - the whole file.
 * @param source - how messages name the file.
 * @throws MetadataError `metadata-compressed` for gzip data, `metadata-syntax` for what is not JSON in UTF-8.
 */
export function parseJsonDocument(bytes: Uint8Array, source: string): JsonValue {
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) {
    throw new MetadataError('metadata-compressed', `Cannot read "${source}": it is compressed with gzip`, {
      hint: 'Metadata files must be stored uncompressed: check the mirror and its proxies',
      data: { source },
    });
  }
  return parseJsonText(decodeStrictly(bytes, source), source);
}

/**
 * Parses a text as JSON.
 *
 * @throws MetadataError `metadata-syntax`.
 */
function parseJsonText(text: string, source: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch (cause) {
    throw notJson(text, source, cause);
  }
}

function decodeStrictly(bytes: Uint8Array, source: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new MetadataError('metadata-syntax', `Cannot read "${source}": it is not valid UTF-8`, {
      cause,
      data: { source },
    });
  }
}

function notJson(text: string, source: string, cause: unknown): MetadataError {
  if (LOOKS_LIKE_HTML.test(text)) {
    return new MetadataError('metadata-syntax', `Cannot read "${source}": it is an HTML page, not JSON`, {
      hint: 'Check the URL of the mirror: it answers with a page of its own',
      cause,
      data: { source, actual: 'html', expected: 'json' },
    });
  }
  if (text.startsWith(CLEARSIGNED)) {
    return new MetadataError(
      'metadata-syntax',
      `Cannot read "${source}": it is a signed text, not plain JSON`,
      {
        hint: 'Verify it first, and parse only the signed text',
        cause,
        data: { source, actual: 'clearsigned', expected: 'json' },
      },
    );
  }
  const state = text.trim() === '' ? 'it is empty' : 'it is not JSON';
  return new MetadataError('metadata-syntax', `Cannot read "${source}": ${state}`, {
    cause,
    data: { source },
  });
}
