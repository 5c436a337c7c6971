// Every package of a build cache by its specfile, without the index.
import { parseSpecfile } from '../../buildcache/specfile/specfile.js';
import type { Spec } from '../../spec/spec.js';
import type { ObjectLister, ObjectStore } from '../../transport/object-store.js';
import { readAll } from '../../transport/read-object.js';
import type { DescribeOptions, ListedPackage, ListPackagesOptions } from '../build-cache.js';
import { LARGEST_SPECFILE, SIGNED_SPECFILE_ENDING, SPECFILE_ENDING, SPECFILES_ROOT } from './paths.js';

export interface ListSpecfilesRequest extends ListPackagesOptions {
  readonly store: ObjectStore;
  readonly lister: ObjectLister;
}

/**
 * The packages that have a specfile, by the names of these. A folder that is called like a specfile is among them: reading it fails, so
 * that it is told and not passed over. Errors as `BuildCache.packages`.
 */
export async function* listSpecfiles({
  store,
  lister,
  hashPrefix = '',
  signal,
}: ListSpecfilesRequest): AsyncIterable<ListedPackage> {
  for await (const listed of lister.list(SPECFILES_ROOT, { withFolders: true, signal })) {
    const path = listed.path.replace(/\/$/, '');
    const ending = [SIGNED_SPECFILE_ENDING, SPECFILE_ENDING].find((each) => path.endsWith(each));
    if (ending === undefined) continue;
    const specfile = new ListedSpecfile(store, path, ending);
    if (specfile.hash.startsWith(hashPrefix)) yield specfile;
  }
}

/** There may be a hundred thousand of them at a time. */
class ListedSpecfile implements ListedPackage {
  readonly #store: ObjectStore;
  readonly #path: string;
  readonly #ending: string;

  constructor(store: ObjectStore, path: string, ending: string) {
    this.#store = store;
    this.#path = path;
    this.#ending = ending;
  }

  get hash(): string {
    return this.#path.slice(this.#path.lastIndexOf('-') + 1, -this.#ending.length);
  }

  get location(): string {
    return this.#store.location(this.#path);
  }

  async read({ trust, signal }: DescribeOptions): Promise<Spec> {
    const { location } = this;
    const bytes = await readAll(this.#store, this.#path, { limit: LARGEST_SPECFILE, signal });
    const isSigned = this.#ending === SIGNED_SPECFILE_ENDING;
    const text = isSigned ? (await trust.open(bytes, location)).text : bytes;
    return parseSpecfile(text, location).spec;
  }
}
