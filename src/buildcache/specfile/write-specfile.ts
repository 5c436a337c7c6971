// Writes the specfile of a build cache (FORMATS.md §2): the package's own spec.json, with a line per value, since GnuPG cuts long lines,
// and with the layout version and the checksum of the tarball. As Python's json writes it: ASCII only, no final newline.
import { encodeUtf8 } from '../../core/bytes.js';
import { MetadataError } from '../../core/errors.js';
import { parseJsonDocument } from '../../spec/json/json-document.js';

export interface SpecfileFacts {
  readonly layoutVersion: number;
  /** Of the compressed tarball, in hexadecimal. */
  readonly sha256: string;
}

/**
 * Makes the specfile out of the `.spack/spec.json` of an installed package; the order of its keys is kept.
 *
 * @param stored - the file's bytes.
 * @param source - how messages name it.
 * @throws MetadataError `metadata-syntax`, `metadata-compressed`, `metadata-invalid`
 */
export function formatSpecfile(stored: Uint8Array, source: string, facts: SpecfileFacts): Uint8Array {
  parseJsonDocument(stored, source); // from here on the text is known to be JSON
  const tokens = Buffer.from(stored).toString('utf8').match(TOKENS) ?? [];
  const document = new TreeReader(tokens, source).read();
  if (!(document instanceof Map)) throw invalid(source, 'the document is not an object');
  document.set('"buildcache_layout_version"', String(facts.layoutVersion));
  document.set(
    '"binary_cache_checksum"',
    new Map([
      ['"hash_algorithm"', '"sha256"'],
      ['"hash"', `"${facts.sha256}"`],
    ]),
  );
  return encodeUtf8(formatTree(document));
}

/** A value as it will be written: objects keep their keys where they first stood, and the last value of each. */
type Tree = string | readonly Tree[] | Map<string, Tree>;

const TOKENS = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\]]|[^\s{}[\]:,"]+/g;
/** Far deeper than any spec, and shallow enough for a reader that calls itself. */
const DEEPEST_NESTING = 64;

/** Builds the tree from the tokens of well-formed JSON; colons and commas are not among them. */
class TreeReader {
  readonly #tokens: readonly string[];
  readonly #source: string;
  #next = 0;

  constructor(tokens: readonly string[], source: string) {
    this.#tokens = tokens;
    this.#source = source;
  }

  read(depth = 0): Tree {
    if (depth > DEEPEST_NESTING) throw invalid(this.#source, `it is nested deeper than ${DEEPEST_NESTING}`);
    const token = this.#take();
    if (token === '{') return this.#readObject(depth);
    if (token === '[') return this.#readList(depth);
    return token.startsWith('"') ? asciiString(token) : token;
  }

  #readObject(depth: number): Map<string, Tree> {
    const object = new Map<string, Tree>();
    while (this.#tokens[this.#next] !== '}') object.set(asciiString(this.#take()), this.read(depth + 1));
    this.#next++;
    return object;
  }

  #readList(depth: number): Tree[] {
    const list: Tree[] = [];
    while (this.#tokens[this.#next] !== ']') list.push(this.read(depth + 1));
    this.#next++;
    return list;
  }

  #take(): string {
    const token = this.#tokens[this.#next++];
    if (token === undefined) throw invalid(this.#source, 'it ends too early');
    return token;
  }
}

function formatTree(tree: Tree): string {
  if (typeof tree === 'string') return tree;
  if (tree instanceof Map)
    return formatItems(
      '{',
      '}',
      [...tree].map(([key, value]) => `${key}:${formatTree(value)}`),
    );
  return formatItems('[', ']', tree.map(formatTree));
}

function formatItems(open: string, close: string, items: readonly string[]): string {
  return items.length === 0 ? open + close : `${open}\n${items.join(',\n')}\n${close}`;
}

/** `\u` and four lower-case digits for everything that is neither ASCII nor one of the short escapes. */
function asciiString(token: string): string {
  return JSON.stringify(JSON.parse(token)).replace(
    /[^\0-\x7f]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function invalid(source: string, state: string): MetadataError {
  return new MetadataError('metadata-invalid', `Cannot read "${source}": ${state}`, { data: { source } });
}
