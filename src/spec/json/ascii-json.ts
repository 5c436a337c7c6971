// JSON as Python's json writes it by default: compact here, and ASCII only.

/** The text of a value; a character that is not ASCII becomes `\u` and four lower-case digits for each of its units. */
export function asciiJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[^\0-\x7f]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
