// The expected trees of a generated cache, computed when the first contender is compared with them, and kept for the others.
import { type ExpectedPackage, installedTree, packedTree, type TreeFacts } from './expected-tree.js';

export class ExpectedTrees {
  readonly #packages: ReadonlyMap<string, ExpectedPackage>;
  readonly #known = new Map<string, Promise<TreeFacts>>();

  constructor(packages: ReadonlyMap<string, ExpectedPackage>) {
    this.#packages = packages;
  }

  /** All tarballs unpacked without changes. */
  packed(): Promise<TreeFacts> {
    return this.#once('packed', () => packedTree([...this.#packages.values()]));
  }

  /** Packages installed below a root: their content depends only on the length of its path. */
  installed(root: string, names: readonly string[]): Promise<TreeFacts> {
    const packages = names.flatMap((name) => this.#packages.get(name) ?? []);
    return this.#once(`${root.length} ${names.join(' ')}`, () => installedTree(packages, root));
  }

  #once(key: string, find: () => Promise<TreeFacts>): Promise<TreeFacts> {
    const known = this.#known.get(key) ?? find();
    this.#known.set(key, known);
    return known;
  }
}
