// Scalars of YAML 1.2: what folded lines and escapes stand for (YAML 1.2.2 §5.7, §6.5, §7.3). Part of the reader of records, which says
// why the `yaml` library does not serve.

const ESCAPES: Readonly<Record<string, string>> = {
  '0': '\0',
  a: '\x07',
  b: '\b',
  t: '\t',
  '\t': '\t',
  n: '\n',
  v: '\v',
  f: '\f',
  r: '\r',
  e: '\x1b',
  ' ': ' ',
  '"': '"',
  '/': '/',
  '\\': '\\',
  N: '\u0085',
  _: '\u00a0',
  L: '\u2028',
  P: '\u2029',
};
const HEX_LENGTHS: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 };

/** These ended lines before YAML 1.2; the library that Spack uses still indents what stands behind one. */
const OLD_LINE_BREAK = /([\u0085\u2028\u2029]) +/g;

/** What stands between single quotes. */
export function readSingleQuoted(source: string): string {
  const text = source.includes('\n') ? foldLines(source.split('\n')) : source;
  return text.replaceAll("''", "'").replace(OLD_LINE_BREAK, '$1');
}

/** Lines of one scalar: a single line break is a blank, each further one stays. */
export function foldLines(lines: readonly string[]): string {
  const parts: string[] = [];
  const last = lines.length - 1;
  let breaks = 0;
  lines.forEach((line, i) => {
    const content = trimBlanks(line, { start: i > 0, end: i < last });
    if (i > 0) breaks++;
    if (content === '' && i > 0 && i < last) return;
    parts.push(joint(breaks), content);
    breaks = 0;
  });
  return parts.join('');
}

/**
 * What stands between double quotes.
 *
 * @returns undefined for an escape that does not exist.
 */
export function readDoubleQuoted(source: string): string | undefined {
  if (!source.includes('\\')) return source.includes('\n') ? foldLines(source.split('\n')) : source;
  return new DoubleQuoted(source).read();
}

/**
 * Cuts blanks and tabs: a name may begin or end with any other white space. Not by a regular expression, since `[ \t]+$`
 * takes quadratic time on long runs of blanks in the middle.
 */
export function trimBlanks(text: string, at: { readonly start: boolean; readonly end: boolean }): string {
  let [start, end] = [0, text.length];
  if (at.start) while (start < end && isBlank(text[start])) start++;
  if (at.end) while (end > start && isBlank(text[end - 1])) end--;
  return text.slice(start, end);
}

function isBlank(character: string | undefined): boolean {
  return character === ' ' || character === '\t';
}

function joint(breaks: number): string {
  return breaks === 0 ? '' : breaks === 1 ? ' ' : '\n'.repeat(breaks - 1);
}

class DoubleQuoted {
  readonly #source: string;
  readonly #parts: string[] = [];
  #at = 0;

  constructor(source: string) {
    this.#source = source;
  }

  read(): string | undefined {
    const special = /[\\\n]/g;
    while (this.#at < this.#source.length) {
      special.lastIndex = this.#at;
      const next = special.exec(this.#source)?.index ?? this.#source.length;
      const isFolded = this.#source[next] === '\n';
      // Blanks before a line break are cut, but those that an escape stands for are in a part of their own.
      this.#parts.push(trimBlanks(this.#source.slice(this.#at, next), { start: false, end: isFolded }));
      this.#at = next + 1;
      if (isFolded) this.#parts.push(joint(1 + this.#skipEmptyLines()));
      else if (next < this.#source.length && !this.#readEscape()) return undefined;
    }
    return this.#parts.join('');
  }

  /** An escaped line break is none: the lines are glued. */
  #readEscape(): boolean {
    const letter = this.#source[this.#at++] ?? '';
    const digits = HEX_LENGTHS[letter];
    if (letter === '\n') this.#parts.push('\n'.repeat(this.#skipEmptyLines()));
    else if (digits !== undefined) return this.#readCode(digits);
    else if (Object.hasOwn(ESCAPES, letter)) this.#parts.push(ESCAPES[letter] ?? '');
    else return false;
    return true;
  }

  #readCode(digits: number): boolean {
    const hex = this.#source.slice(this.#at, this.#at + digits);
    const code = hex.length === digits && /^[0-9a-fA-F]+$/.test(hex) ? Number.parseInt(hex, 16) : Number.NaN;
    if (!(code <= 0x10ffff)) return false;
    this.#at += digits;
    this.#parts.push(String.fromCodePoint(code));
    return true;
  }

  /** Moves to the next character that is no blank; says how many line breaks it passed. */
  #skipEmptyLines(): number {
    let breaks = 0;
    for (; isBlank(this.#source[this.#at]) || this.#source[this.#at] === '\n'; this.#at++) {
      if (this.#source[this.#at] === '\n') breaks++;
    }
    return breaks;
  }
}
