// Reads what stands inside of a YAML scalar: escapes, doubled quotes, folded lines (YAML 1.2 §5.7, §6.5, §7.3).

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
  N: '\x85',
  _: '\xa0',
  L: '\u2028',
  P: '\u2029',
};
const ESCAPE = /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([\s\S]|$))/g;

/** Joins the lines of a scalar: a line break is a blank, blank lines in between are newlines. */
export function foldLines(lines: readonly string[]): string {
  let text = lines[0] ?? '';
  let blankLines = 0;
  for (const [index, line] of lines.entries()) {
    if (index === 0) continue;
    const isLast = index === lines.length - 1;
    const content = line.replace(/^[ \t]+/, '');
    if (content.trim() === '' && !isLast) {
      blankLines++;
      continue;
    }
    text = text.replace(/[ \t]+$/, '') + (blankLines === 0 ? ' ' : '\n'.repeat(blankLines)) + content;
    blankLines = 0;
  }
  return text;
}

/** The text between single quotes. */
export function readSingleQuoted(source: string): string {
  return foldSource(source).replaceAll("''", "'");
}

/** The text between double quotes; undefined where an escape is not known. */
export function readDoubleQuoted(source: string): string | undefined {
  let isKnown = true;
  // A backslash at the end of a line keeps the blanks before it, and takes the break and the indentation away.
  const text = foldSource(source.replace(/((?:^|[^\\])(?:\\\\)*)\\\n[ \t]*/g, '$1')).replace(
    ESCAPE,
    (_, two: string | undefined, four: string | undefined, eight: string | undefined, short: string) => {
      const digits = two ?? four ?? eight;
      const code = digits === undefined ? undefined : Number.parseInt(digits, 16);
      if (code !== undefined && code <= 0x10ffff) return String.fromCodePoint(code);
      const known = code === undefined ? ESCAPES[short] : undefined;
      isKnown &&= known !== undefined;
      return known ?? '';
    },
  );
  return isKnown ? text : undefined;
}

function foldSource(source: string): string {
  return source.includes('\n') ? foldLines(source.split('\n')) : source;
}
