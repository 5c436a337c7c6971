// Parses bytes as JSON (RFC 8259). The error names other content that is recognized: gzip, HTML, a signed text, invalid UTF-8.

import { MetadataError } from '../../core/errors.js';
import type { JsonValue } from '../spec.js';

/** Some mirrors answer with a web page for a missing file: recognized, so that users do not look for a broken file. */
const LOOKS_LIKE_HTML = /^\s*<(?:!doctype|html|head|body|\?xml|!--)/i;
const CLEARSIGNED = '-----BEGIN PGP SIGNED MESSAGE-----';

/**
 * Parses the bytes of a JSON file.
 *
 * @param bytes - the whole file.
 * @param source - how messages name the file.
 * @throws MetadataError `metadata-compressed` for gzip data, `metadata-syntax` for anything that is not JSON in UTF-8.
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
  } catch {
    throw notJson(text, source); // the parser's error repeats the text, which may repeat a password
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

function notJson(text: string, source: string): MetadataError {
  if (LOOKS_LIKE_HTML.test(text)) {
    return new MetadataError('metadata-syntax', `Cannot read "${source}": it is an HTML page, not JSON`, {
      hint: 'Check the URL of the mirror: it answers with a web page',
      data: { source, actual: 'html', expected: 'json' },
    });
  }
  if (text.startsWith(CLEARSIGNED)) {
    return new MetadataError(
      'metadata-syntax',
      `Cannot read "${source}": it is a signed text, not plain JSON`,
      {
        hint: 'Verify it first, and parse only the signed text',
        data: { source, actual: 'clearsigned', expected: 'json' },
      },
    );
  }
  const state = text.trim() === '' ? 'it is empty' : 'it is not JSON';
  return new MetadataError('metadata-syntax', `Cannot read "${source}": ${state}`, {
    data: { source },
  });
}
