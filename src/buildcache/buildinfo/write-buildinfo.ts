// Writes the buildinfo of a package, `.spack/binary_distribution`, byte for byte as Spack does (FORMATS.md §4): YAML in block style
// with sequences not indented, or in one line of flow style, as Spack 1.x writes it. Texts are byte strings, one character per byte.
import { fromLatin1 } from '../../core/bytes.js';
import { decodeSurrogateEscape, encodeSurrogateEscape } from '../../host/surrogate-escape.js';
import { formatScalar } from './yaml-scalar-writer.js';

/** The facts of a pushed package. */
export interface BuildinfoFacts {
  readonly sbangInstallPath: string;
  /** The root of the store. */
  readonly buildpath: string;
  readonly spackprefix: string;
  /** The prefix relative to the root. */
  readonly relativePrefix: string;
  readonly relocateTextfiles: readonly string[];
  readonly relocateBinaries: readonly string[];
  readonly relocateLinks: readonly string[];
  /** Dag hashes with their prefixes, in the order of replacement. */
  readonly hashToPrefix: ReadonlyMap<string, string>;
}

/** The bytes of the file. The lists name each group of hard links once. */
export function formatBuildinfo(facts: BuildinfoFacts): Uint8Array {
  const lines = [
    formatEntry('sbang_install_path', facts.sbangInstallPath),
    formatEntry('buildpath', facts.buildpath),
    formatEntry('spackprefix', facts.spackprefix),
    formatEntry('relative_prefix', facts.relativePrefix),
    ...formatList('relocate_textfiles', facts.relocateTextfiles),
    ...formatList('relocate_binaries', facts.relocateBinaries),
    ...formatList('relocate_links', facts.relocateLinks),
    'hardlinks_deduped: true',
    ...formatMap('hash_to_prefix', facts.hashToPrefix),
  ];
  return fromLatin1(lines.map((line) => `${line}\n`).join(''));
}

/** Continuation lines of a text are indented by two more than its entry. */
function formatEntry(key: string, value: string, indent = 0): string {
  const start = `${' '.repeat(indent)}${formatText(key, 0, indent)}: `;
  return start + formatText(value, start.length, indent + 2);
}

function formatList(key: string, items: readonly string[]): string[] {
  if (items.length === 0) return [`${key}: []`];
  return [`${key}:`, ...items.map((item) => `- ${formatText(item, 2, 2)}`)];
}

function formatMap(key: string, map: ReadonlyMap<string, string>): string[] {
  if (map.size === 0) return [`${key}: {}`];
  return [`${key}:`, ...[...map].map(([hash, prefix]) => formatEntry(hash, prefix, 2))];
}

function formatText(bytes: string, column: number, indent: number): string {
  return encodeSurrogateEscape(formatScalar(decodeSurrogateEscape(bytes), { column, indent }));
}

/** The bytes of the file in one line; what relocation needs comes last, as Spack 1.x has it. */
export function formatFlowBuildinfo(facts: BuildinfoFacts): Uint8Array {
  const entries = [
    flowEntry('sbang_install_path', facts.sbangInstallPath),
    flowEntry('buildpath', facts.buildpath),
    flowEntry('spackprefix', facts.spackprefix),
    flowEntry('relative_prefix', facts.relativePrefix),
    'hardlinks_deduped: true',
    `hash_to_prefix: {${[...facts.hashToPrefix].map(([hash, prefix]) => flowEntry(hash, prefix)).join(', ')}}`,
    flowList('relocate_binaries', facts.relocateBinaries),
    flowList('relocate_links', facts.relocateLinks),
    flowList('relocate_textfiles', facts.relocateTextfiles),
  ];
  return fromLatin1(`{${entries.join(', ')}}\n`);
}

function flowEntry(key: string, value: string): string {
  return `${flowText(key)}: ${flowText(value)}`;
}

function flowList(key: string, items: readonly string[]): string {
  return `${key}: [${items.map(flowText).join(', ')}]`;
}

function flowText(bytes: string): string {
  const place = { column: 0, indent: 2, isFlow: true };
  return encodeSurrogateEscape(formatScalar(decodeSurrogateEscape(bytes), place));
}
