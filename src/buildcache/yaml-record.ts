// A YAML mapping of texts, lists of texts and mappings of texts, in which nothing is ever converted: `yes`, `12:30:45` and
// `null` are file names here (YAML 1.2, failsafe schema). Texts are byte strings, one character per byte.

import { isMap, isScalar, isSeq, parseDocument } from 'yaml';
import { encodeUtf8, toLatin1 } from '../core/bytes.js';
import { parsePlainRecord } from './yaml-plain-record.js';

export type YamlRecordValue = string | readonly string[] | ReadonlyMap<string, string>;
export type YamlRecord = ReadonlyMap<string, YamlRecordValue>;

/** Where YAML meets what a record cannot hold; the caller gives it a code. */
export class YamlRecordError extends Error {}

const ESCAPED_BYTE_FIRST = 0xdc80;
const ESCAPED_BYTE_LAST = 0xdcff;

/**
 * Parses a YAML record.
 *
 * @throws YamlRecordError when it is not YAML in UTF-8, or no such record.
 */
export function parseYamlRecord(bytes: Uint8Array): YamlRecord {
  const text = decodeText(bytes);
  return parsePlainRecord(text, toByteString) ?? parseAnyRecord(text);
}

/** The complete syntax; twenty times slower than `parsePlainRecord`, which reads what Spack writes. */
export function parseAnyRecord(text: string): YamlRecord {
  const record = new Map<string, YamlRecordValue>();
  for (const [key, value] of entriesOf(parseTree(text))) record.set(key, readValue(value, key));
  return record;
}

/**
 * The bytes of a name, one per character: UTF-8, but a low surrogate that stands for a byte that was no UTF-8
 * (Python's `surrogateescape`) is that byte.
 */
export function toByteString(text: string): string {
  if (isAscii(text)) return text;
  const parts: string[] = [];
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    if (code >= ESCAPED_BYTE_FIRST && code <= ESCAPED_BYTE_LAST)
      parts.push(String.fromCharCode(code - 0xdc00));
    else if (code >= 0xd800 && code <= 0xdfff)
      throw new YamlRecordError('a name has half a surrogate pair in it');
    else parts.push(toLatin1(encodeUtf8(character)));
  }
  return parts.join('');
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false;
  return true;
}

function decodeText(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new YamlRecordError('it is not valid UTF-8', { cause });
  }
}

/** The library may overflow its stack on hostile nesting: that is bad YAML like any other. */
function parseTree(text: string): unknown {
  try {
    const document = parseDocument(text, { schema: 'failsafe', strict: true, prettyErrors: false });
    const [problem] = document.errors;
    if (problem !== undefined) throw problem;
    return document.contents;
  } catch (cause) {
    throw new YamlRecordError('it is not YAML', { cause });
  }
}

function readValue(value: unknown, key: string): YamlRecordValue {
  if (isSeq(value)) return value.items.map((item) => readText(item, key));
  if (!isMap(value)) return readText(value, key);
  return new Map(
    entriesOf(value).map(([name, text]): [string, string] => [name, readText(text, `${key}.${name}`)]),
  );
}

function entriesOf(value: unknown): [string, unknown][] {
  if (!isMap(value)) throw new YamlRecordError('it is no mapping');
  return value.items.map((pair) => [readText(pair.key, 'a key'), pair.value]);
}

/** Aliases are refused with everything else: no Spack writes them, and they can make a small file large. */
function readText(value: unknown, place: string): string {
  if (value === null || (isScalar(value) && value.value === null)) return '';
  if (isScalar(value) && typeof value.value === 'string') return toByteString(value.value);
  throw new YamlRecordError(`"${place}" holds something other than texts`);
}
