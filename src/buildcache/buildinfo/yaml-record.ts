// A YAML mapping of texts, lists of texts and mappings of texts, in which nothing is ever converted: `yes`, `12:30:45` and
// `null` are file names here (YAML 1.2, failsafe schema). Texts are byte strings, one character per byte.

import { encodeUtf8, toLatin1 } from '../../core/bytes.js';
import { YamlReader, type YamlRecord, YamlRecordError } from './yaml-reader.js';

export { type YamlRecord, YamlRecordError, type YamlRecordValue } from './yaml-reader.js';

const ESCAPED_BYTE_FIRST = 0xdc80;
const ESCAPED_BYTE_LAST = 0xdcff;

/**
 * Parses a YAML record.
 *
 * @throws YamlRecordError when it is not YAML in UTF-8, or no such record.
 */
export function parseYamlRecord(bytes: Uint8Array): YamlRecord {
  return new YamlReader(decodeText(bytes), toByteString).read();
}

/**
 * The bytes of a name, one per character: UTF-8, but a low surrogate that stands for a byte that was no UTF-8
 * (Python's `surrogateescape`) is that byte.
 *
 * @throws YamlRecordError for any other half of a surrogate pair.
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
