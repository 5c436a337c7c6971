// Reads the YAML that Spack itself writes: flat records in block style, or in flow style on one line, most of it plain words.
// Whatever looks different is left to the complete parser. For a package of 20,000 files this takes 10 ms, that one 700 ms.

import type { YamlRecord, YamlRecordValue } from './yaml-record.js';

type Decode = (text: string) => string;

const OUTSIDE = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029\ufeff]/;
const KEY_LINE = /^([a-z_]+):(?: (.+))?$/;
const ITEM_LINE = /^ {0,2}- (.+)$/;
const PAIR_LINE = /^ {2}([a-zA-Z0-9_./-]+): (.+)$/;

/** Whatever YAML could read in another way (`: `, ` #`, a trailing blank) is left to the complete parser, even where it is harmless. */
const BLOCK_PLAIN = /^[A-Za-z0-9_./](?:[^:#]*[^:#\s])?$/;
const SINGLE_QUOTED = /^'((?:[^']|'')*)'$/;
const DOUBLE_QUOTED = /^"(?:[^"\\]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*"$/;
const FLOW_PLAIN = /[A-Za-z0-9_./][^:#,[\]{}]*/y;
const FLOW_QUOTED = /'(?:[^']|'')*'|"(?:[^"\\]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*"/y;

/**
 * Parses a record of the usual form.
 *
 * @param text - the whole file.
 * @param decode - makes of a scalar what the record holds.
 * @returns undefined when anything in it is unusual.
 */
export function parsePlainRecord(text: string, decode: Decode): YamlRecord | undefined {
  if (OUTSIDE.test(text)) return undefined;
  return text.startsWith('{') ? new FlowReader(text, decode).read() : readBlock(text, decode);
}

function readBlock(text: string, decode: Decode): YamlRecord | undefined {
  const record = new Map<string, YamlRecordValue>();
  let open: OpenCollection | undefined;
  for (const line of linesOf(text)) {
    const key = KEY_LINE.exec(line);
    if (key === null) {
      if (open === undefined || !open.add(line, decode)) return undefined;
      continue;
    }
    if (!closeInto(record, open)) return undefined;
    const [, name = '', rest] = key;
    open = rest === undefined ? new OpenCollection(name) : undefined;
    const value = rest === undefined ? '' : readBlockValue(rest, decode);
    if (value === undefined || record.has(name)) return undefined;
    record.set(name, value);
  }
  return closeInto(record, open) && record.size > 0 ? record : undefined;
}

function* linesOf(text: string): Generator<string> {
  let start = 0;
  while (start < text.length) {
    const end = text.indexOf('\n', start);
    yield end < 0 ? text.slice(start) : text.slice(start, end);
    start = end < 0 ? text.length : end + 1;
  }
}

/** The list or mapping below a key; its first line says which. */
class OpenCollection {
  readonly #list: string[] = [];
  readonly #map = new Map<string, string>();

  constructor(readonly name: string) {}

  get value(): YamlRecordValue | undefined {
    if (this.#list.length > 0) return this.#list;
    return this.#map.size > 0 ? this.#map : undefined;
  }

  add(line: string, decode: Decode): boolean {
    const item = ITEM_LINE.exec(line);
    if (item !== null) return this.#map.size === 0 && this.#addItem(item[1] ?? '', decode);
    const pair = PAIR_LINE.exec(line);
    return pair !== null && this.#list.length === 0 && this.#addPair(pair[1] ?? '', pair[2] ?? '', decode);
  }

  #addItem(text: string, decode: Decode): boolean {
    const value = readScalar(text, decode);
    if (value !== undefined) this.#list.push(value);
    return value !== undefined;
  }

  #addPair(key: string, text: string, decode: Decode): boolean {
    const value = readScalar(text, decode);
    if (value === undefined || this.#map.has(key)) return false;
    this.#map.set(key, value);
    return true;
  }
}

/** A key without anything below it is unusual. */
function closeInto(record: Map<string, YamlRecordValue>, open: OpenCollection | undefined): boolean {
  if (open === undefined) return true;
  if (open.value === undefined) return false;
  record.set(open.name, open.value);
  return true;
}

function readBlockValue(text: string, decode: Decode): YamlRecordValue | undefined {
  if (text === '[]') return [];
  if (text === '{}') return new Map();
  return readScalar(text, decode);
}

function readScalar(text: string, decode: Decode): string | undefined {
  if (BLOCK_PLAIN.test(text)) return decode(text);
  return readQuoted(text, decode);
}

function readQuoted(text: string, decode: Decode): string | undefined {
  const single = SINGLE_QUOTED.exec(text);
  if (single !== null) return decode((single[1] ?? '').replaceAll("''", "'"));
  return DOUBLE_QUOTED.test(text) ? decode(JSON.parse(text) as string) : undefined;
}

/** `{key: value, key: [item, item], key: {key: value}}` and nothing behind it but the end of the line. */
class FlowReader {
  readonly #text: string;
  readonly #decode: Decode;
  #position = 0;

  constructor(text: string, decode: Decode) {
    this.#text = text.endsWith('\n') ? text.slice(0, -1) : text;
    this.#decode = decode;
  }

  read(): YamlRecord | undefined {
    if (this.#text.includes('\n')) return undefined;
    const record = this.#readMap(() => this.#readValue());
    return this.#position === this.#text.length ? record : undefined;
  }

  #readValue(): YamlRecordValue | undefined {
    const character = this.#text[this.#position];
    if (character === '[') return this.#readList();
    return character === '{' ? this.#readMap(() => this.#readScalar()) : this.#readScalar();
  }

  #readMap<Value>(readValue: () => Value | undefined): Map<string, Value> | undefined {
    const map = new Map<string, Value>();
    const isRead = this.#readItems('{', '}', () => {
      const key = this.#readScalar();
      const value = key !== undefined && this.#accept(': ') ? readValue() : undefined;
      if (key === undefined || value === undefined || map.has(key)) return false;
      map.set(key, value);
      return true;
    });
    return isRead ? map : undefined;
  }

  #readList(): readonly string[] | undefined {
    const list: string[] = [];
    const isRead = this.#readItems('[', ']', () => {
      const item = this.#readScalar();
      if (item !== undefined) list.push(item);
      return item !== undefined;
    });
    return isRead ? list : undefined;
  }

  #readItems(opening: string, closing: string, readItem: () => boolean): boolean {
    if (!this.#accept(opening)) return false;
    if (this.#accept(closing)) return true;
    do if (!readItem()) return false;
    while (this.#accept(', '));
    return this.#accept(closing);
  }

  #readScalar(): string | undefined {
    const plain = this.#take(FLOW_PLAIN);
    if (plain !== undefined) return plain.trim() === plain ? this.#decode(plain) : undefined;
    const quoted = this.#take(FLOW_QUOTED);
    return quoted === undefined ? undefined : readQuoted(quoted, this.#decode);
  }

  #take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#position;
    const text = pattern.exec(this.#text)?.[0];
    this.#position += text?.length ?? 0;
    return text;
  }

  #accept(text: string): boolean {
    if (!this.#text.startsWith(text, this.#position)) return false;
    this.#position += text.length;
    return true;
  }
}
