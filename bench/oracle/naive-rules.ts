// The relocation rules again, as regular expressions over text with one character per byte: slow, short, and independent of the
// code under test. FORMATS §5 "text" and "C strings"; Spack `TextFilePrefixReplacer` and `BinaryFilePrefixReplacer` do the same.

/** Old and new prefixes; at each place the first that matches wins. */
export type TextMapping = readonly (readonly [from: string, to: string])[];

/** A prefix preceded by at most one path component, with the rest of the path that follows it. */
export function naiveText(text: string, mapping: TextMapping): string {
  const targets = new Map(mapping);
  const pattern = new RegExp(`(?<![\\w\\-/])([\\w-]*?)(${alternation(mapping)})([\\w\\-/]*)`, 'g');
  return text.replace(pattern, (_, before: string, prefix: string, after: string) => {
    return before + (targets.get(prefix) ?? prefix) + after;
  });
}

/** Bytes after a prefix that belong to its match when a NUL follows them. */
const SUFFIX = 7;

/** The text keeps its length. @throws Error for a prefix that becomes longer, as all tools refuse it */
export function naiveCStrings(text: string, mapping: TextMapping): string {
  const targets = new Map(mapping);
  const pattern = new RegExp(`(${alternation(mapping)})([^\\0]{0,${SUFFIX}}\\0)?`, 'g');
  return text.replace(pattern, (_, prefix: string, end: string | undefined) => {
    return inPlace(prefix, targets.get(prefix) ?? prefix, end);
  });
}

/** @param end up to seven bytes and a NUL; undefined if the string continues */
function inPlace(from: string, to: string, end: string | undefined): string {
  const room = from.length - to.length;
  if (room < 0) throw new Error(`"${to}" is longer than "${from}"`);
  if (end === undefined) return '/'.repeat(room) + to;
  const suffix = end.slice(0, -1);
  const shared = SUFFIX - suffix.length;
  if (shared <= 0 || from.slice(-shared) === to.slice(-shared)) return '/'.repeat(room) + to + end;
  if (room <= SUFFIX) throw new Error(`"${from}" cannot become "${to}" in place`);
  // The old tail stays after the new NUL.
  return to + end + (from + end).slice(to.length + end.length);
}

/** The rpath of a generated library: it is the first text that names the old root. Entries keep their order, NULs fill the rest. */
export function naiveRpath(text: string, oldRoot: string, mapping: TextMapping): string {
  const start = text.indexOf(oldRoot);
  const end = text.indexOf('\0', start);
  const entries = text
    .slice(start, end)
    .split(':')
    .map((entry) => {
      const [from, to] = mapping.find(([prefix]) => entry.startsWith(prefix)) ?? ['', ''];
      return to + entry.slice(from.length);
    });
  return text.slice(0, start) + entries.join(':').padEnd(end - start, '\0') + text.slice(end);
}

/** Every place where a prefix begins, with the first prefix that matches: `[offset, index, …]`. */
export function naiveScan(bytes: Buffer, prefixes: readonly Uint8Array[]): Uint32Array {
  const found = new Map<number, number>();
  for (const [index, prefix] of prefixes.entries()) {
    for (let at = bytes.indexOf(prefix); at >= 0; at = bytes.indexOf(prefix, at + 1)) {
      if (!found.has(at)) found.set(at, index);
    }
  }
  return Uint32Array.from([...found].sort(([a], [b]) => a - b).flat());
}

function alternation(mapping: TextMapping): string {
  return mapping.map(([from]) => from.replaceAll(/[^\w/]/g, '\\$&')).join('|');
}
