// The structure of a clearsigned text (RFC 9580 §7, "Cleartext Signature Framework"), read strictly: one block, only white
// space around it, only `Hash` headers, every line with a dash escaped. Nothing is verified here.

import { concatBytes, encodeUtf8 } from '../../core/bytes.js';
import { SignatureError } from '../../core/errors.js';
import { parseArmorBody } from '../armor.js';

export interface ClearsignedBlock {
  /** What the signature covers: unescaped, without blanks at line ends, lines joined by LF. */
  readonly text: Uint8Array;
  /** The signature packets. */
  readonly signature: Uint8Array;
}

const BEGIN_MESSAGE = '-----BEGIN PGP SIGNED MESSAGE-----';
const BEGIN_SIGNATURE = '-----BEGIN PGP SIGNATURE-----';
const END_SIGNATURE = '-----END PGP SIGNATURE-----';
const DASH = 0x2d;
const LF = 0x0a;
const NEWLINE = Uint8Array.of(LF);

/**
 * Takes a clearsigned file apart.
 * @param source Where the bytes came from, for messages.
 * @throws SignatureError `signature-missing` when there is no such block, `signature-malformed` when there is more than
 * one, text around it, or a line that the format does not allow.
 */
export function parseClearsigned(bytes: Uint8Array, source: string): ClearsignedBlock {
  const lines = new LineReader(bytes);
  skipBlankLines(lines);
  if (!lines.at(BEGIN_MESSAGE)) throw noBlock(bytes, source, lines.number);
  lines.next();
  readHashHeaders(lines, source);
  const text = readSignedLines(lines, source);
  const signature = readSignature(lines, source);
  skipBlankLines(lines);
  if (!lines.done) throw malformed(source, lines.number, 'there is something after the signature');
  return { text, signature };
}

function readHashHeaders(lines: LineReader, source: string): void {
  for (;;) {
    const line = lines.text();
    lines.next();
    if (line === '') return;
    if (line === undefined || !/^Hash: [A-Za-z0-9-]+(?:, ?[A-Za-z0-9-]+)*[ \t]*$/.test(line)) {
      throw malformed(
        source,
        lines.number - 1,
        'only "Hash" headers and an empty line may stand before the text',
      );
    }
  }
}

function readSignedLines(lines: LineReader, source: string): Uint8Array {
  const parts: Uint8Array[] = [];
  while (!lines.at(BEGIN_SIGNATURE)) {
    const line = lines.bytes();
    if (line === undefined) throw malformed(source, lines.number, 'the text ends without a signature');
    if (parts.length > 0) parts.push(NEWLINE);
    parts.push(trimBlanks(unescapeDash(line, source, lines.number)));
    lines.next();
  }
  lines.next();
  return concatBytes(parts);
}

function unescapeDash(line: Uint8Array, source: string, number: number): Uint8Array {
  if (line[0] !== DASH) return line;
  if (line[1] === 0x20) return line.subarray(2);
  throw malformed(source, number, 'a line of the text starts with an unescaped dash');
}

/** Blanks at the end of a line are not signed (RFC 9580 §7.2). */
function trimBlanks(line: Uint8Array): Uint8Array {
  let end = line.length;
  while (end > 0 && isBlank(line[end - 1])) end--;
  return line.subarray(0, end);
}

function isBlank(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0d;
}

function readSignature(lines: LineReader, source: string): Uint8Array {
  const body: string[] = [];
  const first = lines.number;
  while (!lines.at(END_SIGNATURE)) {
    const line = lines.text();
    if (line === undefined) throw malformed(source, lines.number, 'the signature has no end');
    body.push(line);
    lines.next();
  }
  lines.next();
  const signature = parseArmorBody(body);
  if (signature === undefined) throw malformed(source, first, 'the armor of the signature is damaged');
  return signature;
}

function skipBlankLines(lines: LineReader): void {
  while (lines.isBlank) lines.next();
}

function noBlock(bytes: Uint8Array, source: string, line: number): SignatureError {
  if (Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes(BEGIN_MESSAGE)) {
    return malformed(source, line, 'there is something before the signed text');
  }
  return new SignatureError('signature-missing', `Cannot verify "${source}": it is not signed`, {
    hint: 'Use a signed mirror, or switch the check off with --no-check-signature',
    data: { source },
  });
}

function malformed(source: string, line: number, reason: string): SignatureError {
  return new SignatureError('signature-malformed', `Cannot verify "${source}": ${reason} (line ${line})`, {
    data: { source, line, reason },
  });
}

/** Walks over lines that end in LF or CR-LF, without copying them. */
class LineReader {
  /** Of the current line, from 1. */
  number = 1;
  readonly #bytes: Uint8Array;
  #start = 0;
  #end = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#findEnd();
  }

  /** True behind the last line. */
  get done(): boolean {
    return this.#start >= this.#bytes.length;
  }

  get isBlank(): boolean {
    return !this.done && trimBlanks(this.#line()).length === 0;
  }

  /** The current line without its line end. */
  bytes(): Uint8Array | undefined {
    return this.done ? undefined : this.#line();
  }

  /** The current line as text, one character per byte. */
  text(): string | undefined {
    const line = this.bytes();
    return line && Buffer.from(line.buffer, line.byteOffset, line.length).toString('latin1');
  }

  at(marker: string): boolean {
    const line = this.bytes();
    return (
      line !== undefined && line.length === marker.length && Buffer.compare(line, encodeUtf8(marker)) === 0
    );
  }

  next(): void {
    this.#start = this.#end + 1;
    this.number++;
    this.#findEnd();
  }

  #line(): Uint8Array {
    const end = this.#end > this.#start && this.#bytes[this.#end - 1] === 0x0d ? this.#end - 1 : this.#end;
    return this.#bytes.subarray(this.#start, end);
  }

  #findEnd(): void {
    const end = this.#bytes.indexOf(LF, this.#start);
    this.#end = end < 0 ? this.#bytes.length : end;
  }
}
