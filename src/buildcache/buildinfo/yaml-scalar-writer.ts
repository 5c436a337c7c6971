// Writes a text as a YAML scalar in the style that Spack's emitter chooses: plain if a YAML 1.2 core reader would return the same text,
// otherwise in single quotes, otherwise in double quotes with escapes (YAML 1.2 §5.7, §7.3, §10.3; pinned by test/vectors/yaml.json).
// Bytes that are not UTF-8 are lone surrogates in the texts. The `yaml` library folds and quotes differently (the test "the yaml library
// writes other bytes than Spack").

export interface ScalarPlace {
  /** The column at which the scalar begins. */
  readonly column: number;
  /** Indentation of the continuation lines of a scalar. */
  readonly indent: number;
  /** Inside of brackets or braces: what separates items there is quoted, and nothing is folded. */
  readonly isFlow?: boolean;
}

/** After this column, a scalar is folded at the next single blank. */
const FOLD_COLUMN = 80;

/** Starts of anything other than a plain scalar. */
const BEGINS_OTHERWISE = /^(?:[#,[\]{}&*!|>'"%@`]|---|\.\.\.|[?:-](?:[ \n\x85\u2028\u2029]|$))/;
/** Ends a plain scalar, or turns its end into a comment. */
const HAS_INDICATOR = /:(?:[ \n\x85\u2028\u2029]|$)|[ \n\x85\u2028\u2029]#/;
/** Separates items inside of brackets and braces. */
const HAS_SEPARATOR = /[,[\]{}]/;
const BREAK = /[\x85\u2028\u2029]/;
/** Characters that must be escaped. */
const NEEDS_ESCAPE = /[^\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\u{10000}-\u{10ffff}]/u;
const PIECES = / +|[\x85\u2028\u2029]+|[^ \x85\u2028\u2029]+/g;
const BLANK_AT_BREAK = / [\x85\u2028\u2029]|[\x85\u2028\u2029] /;

/** Texts that a plain scalar would turn into another value: a boolean, null, a number, a date, a merge key. */
const RESOLVED: readonly RegExp[] = [
  /^(?:true|True|TRUE|false|False|FALSE|null|Null|NULL|~|=|<<)$/,
  /^[-+]?0b[01_]+$/,
  /^[-+]?0o[0-7_]+$/,
  /^[-+]?0x[0-9a-fA-F_]+$/,
  /^(?:[-+][0-9_]+|[0-9][0-9_]*)$/,
  /^[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?$/,
  /^[-+]?[0-9][0-9_]*[eE][-+]?[0-9]+$/,
  /^[-+]?\.[0-9_]+(?:[eE][-+][0-9]+)?$/,
  /^[-+]?\.(?:inf|Inf|INF)$/,
  /^\.(?:nan|NaN|NAN)$/,
  /^[0-9]{4}-[0-9]{2}-[0-9]{2}$/,
  /^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt]|[ \t]+)[0-9]{1,2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]*)?(?:[ \t]*(?:Z|[-+][0-9]{1,2}(?::[0-9]{2})?))?$/,
];

const ESCAPES: Readonly<Record<string, string>> = {
  '\0': '0',
  '\x07': 'a',
  '\b': 'b',
  '\t': 't',
  '\n': 'n',
  '\v': 'v',
  '\f': 'f',
  '\r': 'r',
  '\x1b': 'e',
  '"': '"',
  '\\': '\\',
  '\x85': 'N',
  '\u2028': 'L',
  '\u2029': 'P',
};

/** Writes a text; the result has no newline at its end. */
export function formatScalar(text: string, { isFlow = false, ...given }: ScalarPlace): string {
  const place = isFlow ? { ...given, column: Number.NEGATIVE_INFINITY } : given;
  if (NEEDS_ESCAPE.test(text) || BLANK_AT_BREAK.test(text)) return formatDoubleQuoted(text, place);
  if (isPlain(text) && !(isFlow && HAS_SEPARATOR.test(text))) return fold(text, '', place);
  return text.includes("'") ? formatDoubleQuoted(text, place) : fold(text, "'", place);
}

function isPlain(text: string): boolean {
  if (text === '' || text.startsWith(' ') || text.endsWith(' ')) return false;
  if (BREAK.test(text) || BEGINS_OTHERWISE.test(text) || HAS_INDICATOR.test(text)) return false;
  return !RESOLVED.some((pattern) => pattern.test(text));
}

/** A single blank between words becomes a line break if the line is long enough; a break is followed by the indentation. */
function fold(text: string, quote: string, { column, indent }: ScalarPlace): string {
  const margin = ' '.repeat(indent);
  const pieces = text.match(PIECES) ?? [];
  let result = quote;
  let at = column + quote.length;
  for (const [index, piece] of pieces.entries()) {
    const isBetween = index > 0 && index < pieces.length - 1;
    if (BREAK.test(piece)) {
      result += piece + margin;
      at = indent;
    } else if (piece === ' ' && isBetween && at > FOLD_COLUMN) {
      result += `\n${margin}`;
      at = indent;
    } else {
      result += piece;
      at += [...piece].length;
    }
  }
  return result + quote;
}

/** A line may be broken before any blank and around any escape; a backslash keeps the break from being read as a blank. */
function formatDoubleQuoted(text: string, { column, indent }: ScalarPlace): string {
  const characters = [...text];
  const lineBreak = `\\\n${' '.repeat(indent)}`;
  let result = '"';
  let at = column + 1;
  let isBehindEscape = false;
  for (const [index, character] of characters.entries()) {
    const mayBreak = index > 0 && index < characters.length - 1;
    const written = escapeCharacter(character);
    const isEscaped = written !== character;
    if (mayBreak && !isEscaped && (character === ' ' || isBehindEscape) && at > FOLD_COLUMN) {
      result += lineBreak;
      at = indent;
      if (character === ' ') {
        result += '\\';
        at++;
      }
    }
    result += written;
    at += isEscaped ? written.length : 1;
    if (mayBreak && isEscaped && at - 1 > FOLD_COLUMN) {
      const isBlankNext = characters[index + 1] === ' ';
      result += isBlankNext ? `${lineBreak}\\` : lineBreak;
      at = isBlankNext ? indent + 1 : indent;
    }
    isBehindEscape = isEscaped;
  }
  return `${result}"`;
}

function escapeCharacter(character: string): string {
  const short = ESCAPES[character];
  if (short !== undefined) return `\\${short}`;
  const code = character.codePointAt(0) ?? 0;
  if (!NEEDS_ESCAPE.test(character) && code <= 0xffff) return character;
  const digits = code.toString(16).toUpperCase();
  if (code > 0xffff) return `\\U${digits.padStart(8, '0')}`;
  return code < 0x100 ? `\\x${digits.padStart(2, '0')}` : `\\u${digits.padStart(4, '0')}`;
}
