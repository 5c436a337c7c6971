// The absolute paths that a file holds, in C strings as in text, as its bytes stream by. A path of a known prefix counts wherever it
// begins, since relocation needs no boundary; of others only what looks like one, as random bytes have slashes, too.
import { concatBytes, copyBytes, fromLatin1, toLatin1 } from '../../core/bytes.js';
import { PrefixSearch } from '../prefixes/prefix-search.js';

export interface PathString {
  /** In the file. */
  readonly offset: number;
  /** A byte string. */
  readonly path: string;
  /** The longest known prefix that it begins with. */
  readonly prefix: string | undefined;
}

export interface PathStrings {
  /** How many there are. */
  readonly found: number;
  /** The first of them. */
  readonly shown: readonly PathString[];
}

export interface PathStringsRequest {
  readonly chunks: AsyncIterable<Uint8Array>;
  /** Byte strings. */
  readonly prefixes: readonly string[];
  /** How many are kept. */
  readonly limit: number;
}

/** Longer strings are cut in two. */
const LONGEST = 64 * 1024;

/** Two components, or one that is a whole C string; in front no letter of a path, but perhaps a flag such as `-L`. */
const PATH =
  /(?<![\w.+@~%/-])(?:-[A-Za-z])?(\/[\w.+@~%-]+(?:\/+[\w.+@~%-]+)+\/?|(?<=\0)\/[A-Za-z][\w.-]{2,}(?=\0))/g;
/** Where the path of a known prefix ends. */
const END = /[\0-\x20"'<>|:;`]/g;

/** Finds the paths in a stream; memory does not grow with it. */
export async function findPathStrings({ chunks, prefixes, limit }: PathStringsRequest): Promise<PathStrings> {
  const finder = new PathFinder(prefixes, limit);
  for await (const chunk of chunks) finder.push(chunk);
  return finder.finish();
}

class PathFinder {
  readonly #prefixes: readonly string[];
  readonly #search: PrefixSearch;
  readonly #limit: number;
  readonly #shown: PathString[] = [];
  #found = 0;
  /** The last bytes, which may go on in the next chunk, and where they are. */
  #rest: Uint8Array = new Uint8Array(0);
  #offset = 0;

  constructor(prefixes: readonly string[], limit: number) {
    this.#prefixes = prefixes.filter((prefix) => prefix.length > 1);
    this.#search = new PrefixSearch(this.#prefixes.map(fromLatin1));
    this.#limit = limit;
  }

  push(chunk: Uint8Array): void {
    const bytes = concatBytes([this.#rest, chunk]);
    const end = lastBreak(bytes);
    this.#look(bytes.subarray(0, end + 1));
    // The break itself stays in front of what follows: it tells whether a path begins there.
    this.#rest = copyBytes(bytes.subarray(Math.max(0, end)));
    this.#offset += Math.max(0, end);
  }

  finish(): PathStrings {
    this.#look(this.#rest);
    return { found: this.#found, shown: this.#shown };
  }

  #look(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    const text = toLatin1(bytes);
    const places = new Map<number, string>();
    for (const match of text.matchAll(PATH)) {
      const path = match[1] ?? '';
      places.set(match.index + match[0].length - path.length, path);
    }
    const cursor = this.#search.cursor(bytes);
    for (let from = 0; cursor.advance(from, bytes.length); from = cursor.offset + 1)
      places.set(cursor.offset, pathAt(text, cursor.offset));
    for (const [at, path] of [...places].sort(([a], [b]) => a - b)) this.#add(this.#offset + at, path);
  }

  #add(offset: number, path: string): void {
    this.#found++;
    if (this.#shown.length < this.#limit) this.#shown.push({ offset, path, prefix: this.#prefixOf(path) });
  }

  #prefixOf(path: string): string | undefined {
    return this.#prefixes
      .filter((prefix) => path.startsWith(prefix))
      .reduce<string | undefined>(
        (best, each) => (best && best.length >= each.length ? best : each),
        undefined,
      );
  }
}

function pathAt(text: string, at: number): string {
  END.lastIndex = at;
  return text.slice(at, END.exec(text)?.index ?? text.length);
}

/** The last byte that no path has; -1 when a string goes on, but is not too long yet. */
function lastBreak(bytes: Uint8Array): number {
  const least = Math.max(0, bytes.length - LONGEST);
  for (let at = bytes.length - 1; at >= least; at--) if ((bytes[at] ?? 0) <= 0x20) return at;
  return bytes.length > LONGEST ? bytes.length - 1 : -1;
}
