// The key index of a build cache (`_pgp/index.json`, FORMATS.md §1): the fingerprints of the keys that lie beside it.

import { encodeUtf8 } from '../core/bytes.js';
import { MetadataError } from '../core/errors.js';
import { parseJsonDocument } from '../spec/json/json-document.js';
import { JsonFact } from '../spec/json/json-fact.js';

/** A cache is signed with a few keys; each one listed costs a request. */
const MOST_KEYS = 1000;
/** Version 4 keys have 40 hexadecimal digits, version 6 keys 64. */
const FINGERPRINT = /^(?:[0-9A-Fa-f]{40}|[0-9A-Fa-f]{64})$/;
const KEY_FILE = /^(.+)\.pub$/;

/** Says whether a text is the whole fingerprint of a key, in either case. */
export function isFingerprint(text: string): boolean {
  return FINGERPRINT.test(text);
}

/**
 * The fingerprints that a key index names, as it spells them: the key files are called so.
 * @throws MetadataError `metadata-syntax`, `metadata-compressed`, `metadata-invalid`, also for more than 1,000 keys.
 */
export function parseKeyIndex(bytes: Uint8Array, source: string): readonly string[] {
  const keys = new JsonFact(parseJsonDocument(bytes, source), source).get('keys');
  const names = Object.keys(keys.object());
  if (names.length > MOST_KEYS) {
    throw new MetadataError('metadata-invalid', `Cannot read "${source}": it names ${names.length} keys`, {
      data: { source, actual: names.length, limit: MOST_KEYS },
    });
  }
  const wrong = names.find((name) => !isFingerprint(name));
  if (wrong === undefined) return names;
  throw new MetadataError(
    'metadata-invalid',
    `Cannot read "${source}": ${JSON.stringify(wrong.slice(0, 80))} is not the fingerprint of a key`,
    { data: { source, path: 'keys', actual: wrong.slice(0, 80) } },
  );
}

/** The bytes of a key index. */
export function formatKeyIndex(fingerprints: Iterable<string>): Uint8Array {
  const names = [...new Set(fingerprints)].sort();
  return encodeUtf8(JSON.stringify({ keys: Object.fromEntries(names.map((name) => [name, {}])) }));
}

/** The fingerprint that a file of the keys' folder is named by; undefined for other files. */
export function fingerprintOfKeyFile(name: string): string | undefined {
  const base = KEY_FILE.exec(name)?.[1];
  return base !== undefined && isFingerprint(base) ? base : undefined;
}
