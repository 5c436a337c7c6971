// Tells whether the `file` command takes bytes for JSON. It is more lenient than RFC 8259: a comma may precede a closing bracket,
// numbers may begin with zeros or a point, strings may contain anything. Spack's push leaves such files alone (FORMATS.md §4).

/** Number of bytes that `file` looks at. */
export const LONGEST_JSON = 7 << 20;

const BLANKS = /[ \t\r\n]*/y;
const STRING = /"[^"\\]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\]*)*"/y;
const SCALAR = /-?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?(?![0-9A-Za-z.+-])|true|false|null/y;
/** `file` gives up on deeper nesting. */
const DEEPEST_NESTING = 250;

/**
 * Tells whether a text consists of one or more objects or lists, up to its end.
 *
 * @param text - the file as a byte string.
 */
export function isJsonText(text: string): boolean {
  const scanner = new Scanner(text);
  return scanner.readContainer() && (scanner.isAtEnd() || scanner.readContainer());
}

/** Reads without recursion, since files are untrusted. */
class Scanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  isAtEnd(): boolean {
    this.#take(BLANKS);
    return this.#at === this.#text.length;
  }

  /** Reads one object or list with its contents. */
  readContainer(): boolean {
    const open: string[] = [];
    if (!this.#open(open)) return false;
    while (open.length > 0) {
      if (this.#close(open)) {
        if (open.length > 0 && !this.#endItem(open)) return false;
      } else if (!this.#beginItem(open)) return false;
    }
    return true;
  }

  /** A scalar and what follows it, or the opening bracket of a container. */
  #beginItem(open: string[]): boolean {
    if (open.at(-1) === '}' && !this.#readKey()) return false;
    if (this.#open(open)) return open.length <= DEEPEST_NESTING;
    return (this.#take(STRING) || this.#take(SCALAR)) && this.#endItem(open);
  }

  #readKey(): boolean {
    this.#take(BLANKS);
    return this.#take(STRING) && this.#accept(':') !== undefined;
  }

  /** A comma, or the end of the container, which is not consumed. */
  #endItem(open: readonly string[]): boolean {
    if (this.#accept(',') !== undefined) return true;
    return this.#text[this.#at] === open.at(-1);
  }

  #open(open: string[]): boolean {
    const bracket = this.#accept('{[');
    if (bracket !== undefined) open.push(bracket === '{' ? '}' : ']');
    return bracket !== undefined;
  }

  #close(open: string[]): boolean {
    return this.#accept(open.at(-1) ?? '') !== undefined && open.pop() !== undefined;
  }

  /** Skips blanks, then consumes one of these characters. */
  #accept(characters: string): string | undefined {
    this.#take(BLANKS);
    const next = this.#text[this.#at];
    if (next === undefined || !characters.includes(next)) return undefined;
    this.#at++;
    return next;
  }

  #take(pattern: RegExp): boolean {
    pattern.lastIndex = this.#at;
    if (!pattern.test(this.#text)) return false;
    this.#at = pattern.lastIndex;
    return true;
  }
}
