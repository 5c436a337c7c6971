// Reads the part of YAML 1.2 that a record needs: one mapping of scalars, lists of scalars and mappings of scalars, in block or
// flow style. No anchors, tags, block scalars, deeper nesting: Spack writes none, and a reader without recursion cannot be made to
// overflow. The `yaml` library cannot take its place: see the tests "two nested texts end the process of the yaml library" and "the yaml
// library misreads names that Spack wrote". It also takes 7 to 13 times as long for 10,000 names, and 60 ms to load.

import { foldLines, readDoubleQuoted, readSingleQuoted, trimBlanks } from './yaml-scalar-reader.js';

export type YamlRecordValue = string | readonly string[] | ReadonlyMap<string, string>;
export type YamlRecord = ReadonlyMap<string, YamlRecordValue>;

/** Where YAML meets what a record cannot hold; the caller gives it a code. */
export class YamlRecordError extends Error {}

const FORBIDDEN = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/;
const FILLER_START = /[ \t#\n]/;
const FILLER_LINE = /[ \t]*(?:#[^\n]*)?(?:\n|$)/y;
const BLANK_LINE = /[ \t]*\n/y;
const FLOW_BLANKS = /[ \t\n]*/y;
const REST_OF_LINE = /[ \t]*(?:(?<=[ \t])#[^\n]*)?(?:\n|$)/y;
const KEY_END = /:(?=[ \n]|$)|\n|$/g;
const FLOW_SPECIAL = /[:#,[\]{}\n]/g;
/** No plain scalar begins with one of these, nor with one of `-?:` before a blank. */
const INDICATOR = /^(?:[ \t,[\]{}#&*!|>'"%@`]|[-?:](?:[ \t\n]|$))/;

const BLANK = 0x20;
const BOTH_ENDS = { start: true, end: true } as const;

export class YamlReader {
  readonly #text: string;
  readonly #decode: (text: string) => string;
  #at = 0;

  /**
   * @param text - the whole file.
   * @param decode - makes of a scalar what the record holds.
   */
  constructor(text: string, decode: (text: string) => string) {
    this.#text = text.includes('\r') ? text.replace(/\r\n?/g, '\n') : text;
    this.#decode = decode;
  }

  /** @throws YamlRecordError */
  read(): YamlRecord {
    const forbidden = FORBIDDEN.exec(this.#text);
    if (forbidden !== null) throw this.#error('it has a control character', forbidden.index);
    this.#skipFiller();
    if (this.#take(/---[ \t]*\n/y) !== undefined) this.#skipFiller();
    const record = this.#text[this.#at] === '{' ? this.#readFlowRecord() : this.#readBlockRecord();
    if (this.#at < this.#text.length) throw this.#error('there is something behind the end');
    return record;
  }

  #readFlowRecord(): YamlRecord {
    const record = this.#readFlowMap(() => this.#readFlowValue());
    this.#endLine();
    this.#skipFiller();
    return record;
  }

  #readBlockRecord(): YamlRecord {
    const record = new Map<string, YamlRecordValue>();
    while (this.#at < this.#text.length) {
      if (this.#indent() > 0) throw this.#error('a line is indented too deeply');
      this.#readEntry(record, 0, () => this.#readBlockValue());
    }
    if (record.size === 0) throw this.#error('it is no mapping');
    return record;
  }

  /** `key: value`, or `? key` with `: value` on the next line, as long keys are written. */
  #readEntry<Value>(map: Map<string, Value>, indent: number, readValue: () => Value): void {
    const key = this.#accept('? ') ? this.#readExplicitKey(indent) : this.#readImplicitKey();
    if (!this.#accept(':')) throw this.#error('a ":" is missing behind a key');
    if (map.has(key)) throw this.#error(`"${key}" stands there twice`);
    map.set(key, readValue());
    this.#skipFiller();
  }

  #readExplicitKey(indent: number): string {
    const key = this.#readBlockScalar(indent);
    this.#skipFiller();
    if (this.#indent() !== indent) throw this.#error('a ":" is missing behind a key');
    this.#at += indent;
    return key;
  }

  #readImplicitKey(): string {
    const quoted = this.#readQuoted();
    if (quoted !== undefined) return this.#decode(quoted);
    this.#requirePlain();
    KEY_END.lastIndex = this.#at;
    const end = KEY_END.exec(this.#text)?.index ?? this.#at;
    const key = this.#text.slice(this.#at, end);
    if (key.includes(' #')) throw this.#error('a comment stands in a key');
    this.#at = end;
    return this.#decode(trimBlanks(key, BOTH_ENDS));
  }

  #readBlockValue(): YamlRecordValue {
    if (!this.#isAtLineEnd()) {
      const opening = this.#text[this.#at];
      if (opening !== '[' && opening !== '{') return this.#readBlockScalar(0);
      const value = opening === '[' ? this.#readFlowList() : this.#readFlowMap(() => this.#readFlowScalar());
      this.#endLine();
      return value;
    }
    this.#endLine();
    this.#skipFiller();
    const indent = this.#indent();
    if (this.#isItem(indent)) return this.#readBlockList(indent);
    if (indent === 0) return '';
    return this.#isEntry(indent) ? this.#readBlockMap(indent) : this.#readBlockScalar(0);
  }

  /** Says whether a line begins with a key. */
  #isEntry(indent: number): boolean {
    const start = this.#at;
    this.#at += indent;
    const isExplicit = this.#accept('? ');
    if (!isExplicit) this.#readImplicitKey();
    const isEntry = isExplicit || this.#text[this.#at] === ':';
    this.#at = start;
    return isEntry;
  }

  #readBlockList(indent: number): readonly string[] {
    const list: string[] = [];
    while (this.#isItem(indent) && this.#indent() === indent) {
      this.#at += indent + 1;
      list.push(this.#readBlockScalar(indent));
      this.#skipFiller();
    }
    return list;
  }

  #readBlockMap(indent: number): ReadonlyMap<string, string> {
    const map = new Map<string, string>();
    while (this.#at < this.#text.length && this.#indent() === indent) {
      this.#at += indent;
      this.#readEntry(map, indent, () => this.#readBlockScalar(indent));
    }
    return map;
  }

  /** A scalar and the end of its line; further lines belong to it if they are indented deeper than its parent. */
  #readBlockScalar(parentIndent: number): string {
    if (this.#isAtLineEnd()) {
      this.#endLine();
      return '';
    }
    const quoted = this.#readQuoted();
    if (quoted !== undefined) {
      this.#endLine();
      return this.#decode(quoted);
    }
    this.#requirePlain();
    const lines: string[] = [];
    while (this.#readPlainLine(lines) && this.#continues(lines, parentIndent));
    return this.#decode(lines.length === 1 ? (lines[0] ?? '') : foldLines(lines));
  }

  /** Says whether a scalar goes on; then the blank lines before the next one belong to it. */
  #continues(lines: string[], parentIndent: number): boolean {
    const start = this.#at;
    let blankLines = 0;
    if (!FILLER_START.test(this.#text[start] ?? '')) return false;
    while (this.#take(BLANK_LINE) !== undefined) blankLines++;
    const indent = this.#indent();
    const first = this.#text[this.#at + indent];
    const goesOn = first !== undefined && first !== '#' && indent > parentIndent;
    if (goesOn) for (; blankLines > 0; blankLines--) lines.push('');
    else this.#at = start;
    return goesOn;
  }

  /** Adds one line of a scalar; false if a comment ends the scalar with it. */
  #readPlainLine(lines: string[]): boolean {
    const newline = this.#text.indexOf('\n', this.#at);
    const end = newline < 0 ? this.#text.length : newline;
    const line = this.#text.slice(this.#at, end);
    const comment = line.search(/[ \t]#/);
    const content = trimBlanks(comment < 0 ? line : line.slice(0, comment), BOTH_ENDS);
    if (/:(?:[ \t]|$)/.test(content)) throw this.#error('a mapping stands where a text must be');
    this.#at = end + 1;
    lines.push(content);
    return comment < 0;
  }

  #readFlowValue(): YamlRecordValue {
    const opening = this.#text[this.#at];
    if (opening === '[') return this.#readFlowList();
    return opening === '{' ? this.#readFlowMap(() => this.#readFlowScalar()) : this.#readFlowScalar();
  }

  #readFlowList(): readonly string[] {
    const list: string[] = [];
    this.#readFlowItems(']', () => {
      list.push(this.#readFlowScalar());
    });
    return list;
  }

  #readFlowMap<Value>(readValue: () => Value): Map<string, Value> {
    const map = new Map<string, Value>();
    this.#readFlowItems('}', () => {
      if (this.#accept('? ')) this.#skip(FLOW_BLANKS);
      const key = this.#readFlowScalar();
      this.#skip(FLOW_BLANKS);
      if (!this.#accept(':')) throw this.#error('a ":" is missing behind a key');
      this.#skip(FLOW_BLANKS);
      if (map.has(key)) throw this.#error(`"${key}" stands there twice`);
      map.set(key, readValue());
    });
    return map;
  }

  #readFlowItems(closing: string, readItem: () => void): void {
    this.#at++;
    for (this.#skip(FLOW_BLANKS); !this.#accept(closing); this.#skip(FLOW_BLANKS)) {
      readItem();
      this.#skip(FLOW_BLANKS);
      if (!this.#accept(',') && this.#text[this.#at] !== closing)
        throw this.#error(`a "${closing}" is missing`);
    }
  }

  #readFlowScalar(): string {
    const quoted = this.#readQuoted();
    if (quoted !== undefined) return this.#decode(quoted);
    this.#requirePlain();
    const end = this.#endOfFlowPlain();
    const lines = this.#text.slice(this.#at, end).split('\n');
    this.#at = end;
    return this.#decode(
      lines.length === 1 ? trimBlanks(lines[0] ?? '', BOTH_ENDS) : trimBlanks(foldLines(lines), BOTH_ENDS),
    );
  }

  #endOfFlowPlain(): number {
    FLOW_SPECIAL.lastIndex = this.#at;
    for (let match = FLOW_SPECIAL.exec(this.#text); match !== null; match = FLOW_SPECIAL.exec(this.#text)) {
      const next = this.#text[match.index + 1];
      if (match[0] === '\n') continue;
      if (match[0] === ':' && next !== undefined && !/[\s,[\]{}]/.test(next)) continue;
      if (match[0] === '#' && !/[ \t\n]/.test(this.#text[match.index - 1] ?? ' ')) continue;
      return match.index;
    }
    throw this.#error('it ends too early', this.#text.length);
  }

  /** The text between quotes, if a quote stands here. */
  #readQuoted(): string | undefined {
    const quote = this.#text[this.#at];
    if (quote !== "'" && quote !== '"') return undefined;
    const start = this.#at + 1;
    const end = quote === "'" ? this.#endOfSingleQuoted(start) : this.#endOfDoubleQuoted(start);
    const source = this.#text.slice(start, end);
    const text = quote === "'" ? readSingleQuoted(source) : readDoubleQuoted(source);
    if (text === undefined) throw this.#error('an escape is not known');
    this.#at = end + 1;
    return text;
  }

  #endOfSingleQuoted(start: number): number {
    let end = this.#text.indexOf("'", start);
    while (end >= 0 && this.#text[end + 1] === "'") end = this.#text.indexOf("'", end + 2);
    if (end < 0) throw this.#error('a quote is not closed');
    return end;
  }

  #endOfDoubleQuoted(start: number): number {
    const special = /["\\]/g;
    special.lastIndex = start;
    for (let match = special.exec(this.#text); match !== null; match = special.exec(this.#text)) {
      if (match[0] === '"') return match.index;
      special.lastIndex = match.index + 2;
    }
    throw this.#error('a quote is not closed');
  }

  #requirePlain(): void {
    if (INDICATOR.test(this.#text.slice(this.#at, this.#at + 2))) {
      throw this.#error('something other than a text stands there');
    }
  }

  #isItem(indent: number): boolean {
    const next = this.#text[this.#at + indent + 1];
    return this.#text[this.#at + indent] === '-' && (next === ' ' || next === '\n' || next === undefined);
  }

  /** The number of blanks that follow. */
  #indent(): number {
    let end = this.#at;
    while (this.#text.charCodeAt(end) === BLANK) end++;
    return end - this.#at;
  }

  /** Skips blanks, and says whether nothing but a comment follows them. */
  #isAtLineEnd(): boolean {
    while (/[ \t]/.test(this.#text[this.#at] ?? '')) this.#at++;
    const next = this.#text[this.#at];
    if (next === undefined || next === '\n') return true;
    return next === '#' && /[ \t]/.test(this.#text[this.#at - 1] ?? '');
  }

  #endLine(): void {
    if (this.#take(REST_OF_LINE) === undefined) throw this.#error('something stands behind a value');
  }

  #accept(text: string): boolean {
    if (!this.#text.startsWith(text, this.#at)) return false;
    this.#at += text.length;
    return true;
  }

  #take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const text = pattern.exec(this.#text)?.[0];
    this.#at += text?.length ?? 0;
    return text;
  }

  /** Skips whole lines: blank ones and comments. */
  #skipFiller(): void {
    while (FILLER_START.test(this.#text[this.#at] ?? '') && this.#take(FILLER_LINE) !== undefined);
  }

  #skip(pattern: RegExp): void {
    this.#take(pattern);
  }

  #error(reason: string, at = this.#at): YamlRecordError {
    const line = this.#text.slice(0, at).split('\n').length;
    return new YamlRecordError(`${reason} (line ${line})`);
  }
}
