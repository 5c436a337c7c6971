// Writes clearsigned texts (RFC 9580 §7) in the form that GnuPG 2.2 verifies and gives back byte for byte.

import { concatBytes, encodeUtf8, startsWithBytes } from '../../core/bytes.js';
import { SignatureError } from '../../core/errors.js';

/** GnuPG cuts what is longer, without a word, and the signature does not fit any more. */
export const LONGEST_LINE = 19_993;

const LF = 0x0a;
const DASH = 0x2d;
const ESCAPE = encodeUtf8('- ');
/** GnuPG escapes these, too, for mailers that change them. */
const FROM = encodeUtf8('From ');

export interface ClearsignedParts {
  /** What `signableText` answered. */
  readonly text: Uint8Array;
  /** The armored signature. */
  readonly signature: string;
  /** The name of the digest as OpenPGP spells it: `SHA512`. */
  readonly hashName: string;
}

/**
 * What a signature of a text covers: the text without its final newline, which the form adds by itself.
 * @param source How messages name the text.
 * @throws SignatureError `text-not-signable` for a text that GnuPG would cut or change: a line of more than 19,993 bytes,
 * blanks or a carriage return at the end of a line, a NUL, bytes that are not UTF-8.
 */
export function signableText(text: Uint8Array, source: string): Uint8Array {
  requireUtf8(text, source);
  let number = 1;
  for (const line of linesOf(text)) {
    if (line.length > LONGEST_LINE) throw notSignable(source, number, `the line has ${line.length} bytes`);
    if (isBlank(line.at(-1))) throw notSignable(source, number, 'the line ends in a blank');
    if (line.includes(0)) throw notSignable(source, number, 'the line holds a NUL');
    number++;
  }
  return text.at(-1) === LF ? text.subarray(0, -1) : text;
}

/** Puts a signed text together; lines that begin with a dash are escaped. */
export function formatClearsigned({ text, signature, hashName }: ClearsignedParts): Uint8Array {
  const parts = [encodeUtf8(`-----BEGIN PGP SIGNED MESSAGE-----\nHash: ${hashName}\n\n`)];
  for (const line of linesOf(text)) {
    if (line[0] === DASH || startsWithBytes(line, FROM)) parts.push(ESCAPE);
    parts.push(line, Uint8Array.of(LF));
  }
  parts.push(encodeUtf8(`${signature.trim().replaceAll('\r\n', '\n')}\n`));
  return concatBytes(parts);
}

/** The lines between newlines; a text that ends in one has an empty line behind it. */
function* linesOf(text: Uint8Array): Iterable<Uint8Array> {
  let start = 0;
  for (let end = text.indexOf(LF); end >= 0; end = text.indexOf(LF, start)) {
    yield text.subarray(start, end);
    start = end + 1;
  }
  yield text.subarray(start);
}

function isBlank(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0d;
}

function requireUtf8(text: Uint8Array, source: string): void {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(text);
  } catch (cause) {
    throw new SignatureError('text-not-signable', `Cannot sign "${source}": it is not valid UTF-8`, {
      cause,
      data: { source },
    });
  }
}

function notSignable(source: string, line: number, reason: string): SignatureError {
  return new SignatureError('text-not-signable', `Cannot sign "${source}": ${reason} (line ${line})`, {
    hint: `GnuPG would change the text: lines may have ${LONGEST_LINE} bytes, and neither NULs nor blanks at their end`,
    data: { source, line, limit: LONGEST_LINE },
  });
}
