// Where the members of an archive are: found by name, listed in order.
import type { ObjectFacts } from '../object-store.js';

export interface Member {
  /** Of its first byte. */
  readonly offset: number;
  readonly size: number;
  /** In milliseconds since 1970. */
  readonly modified: number;
}

/** The names are object paths. */
export class MemberTable {
  readonly #members = new Map<string, Member>();
  /** Says which file it is, in which state; part of all tags. */
  readonly #identity: string;
  #sorted: readonly string[] | undefined;

  constructor(identity: string) {
    this.#identity = identity;
  }

  /** The same members, with tags of their own. */
  copy(identity: string): MemberTable {
    const copy = new MemberTable(identity);
    for (const [path, member] of this.#members) copy.#members.set(path, member);
    return copy;
  }

  get(path: string): Member | undefined {
    return this.#members.get(path);
  }

  /** Of several members with a name the last counts. */
  set(path: string, member: Member): void {
    if (!this.#members.has(path)) this.#sorted = undefined;
    this.#members.set(path, member);
  }

  delete(path: string): boolean {
    const wasThere = this.#members.delete(path);
    if (wasThere) this.#sorted = undefined;
    return wasThere;
  }

  factsOf({ offset, size }: Member): ObjectFacts & { readonly size: number; readonly tag: string } {
    return { size, tag: `"${this.#identity}-${offset.toString(16)}"` };
  }

  /** All names, as a bucket sorts them. */
  paths(): readonly string[] {
    this.#sorted ??= [...this.#members.keys()].sort();
    return this.#sorted;
  }

  /** The place in `paths` of the first name that does not come before a text. */
  lowerBound(text: string): number {
    const paths = this.paths();
    let low = 0;
    let high = paths.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((paths[middle] ?? '') < text) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  hasFolder(folder: string): boolean {
    return this.paths()[this.lowerBound(`${folder}/`)]?.startsWith(`${folder}/`) ?? false;
  }

  /** The folders at the top. */
  *folders(): Iterable<string> {
    const paths = this.paths();
    for (let i = 0; i < paths.length; ) {
      const [name = '', ...below] = (paths[i] ?? '').split('/', 2);
      if (below.length > 0) yield name;
      i = below.length > 0 ? this.lowerBound(afterFolder(name)) : i + 1;
    }
  }
}

/** Sorts after everything in a folder, and before what follows the folder. */
export function afterFolder(folder: string): string {
  return `${folder}${String.fromCharCode('/'.charCodeAt(0) + 1)}`;
}
