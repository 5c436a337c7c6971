// Publishes one package: its tarball, then its specfile, each in one step. Nothing is visible before, and nothing is left after a
// failure. The specfile of the other kind (signed or unsigned) is removed last.
import { formatSpecfile } from '../../buildcache/specfile/write-specfile.js';
import type { WithSignal } from '../../core/with-signal.js';
import type { Spec } from '../../spec/spec.js';
import type { ObjectWriter, PendingObject } from '../../transport/object-store.js';
import type { Publication, PublishedContent } from '../build-cache.js';
import { specfilePath, tarballPath } from './paths.js';

export interface ClassicPublicationOptions {
  readonly writer: ObjectWriter;
  /** Undefined where it is in its place. */
  readonly tarball: PendingObject | undefined;
  readonly spec: Spec;
  readonly layout: number;
}

export class ClassicPublication implements Publication {
  readonly #options: ClassicPublicationOptions;

  constructor(options: ClassicPublicationOptions) {
    this.#options = options;
  }

  get hasTarball(): boolean {
    return this.#options.tarball === undefined;
  }

  async write(bytes: Uint8Array): Promise<void> {
    await this.#options.tarball?.write(bytes);
  }

  async finish(content: PublishedContent, { signal }: WithSignal = {}): Promise<void> {
    const { writer, spec } = this.#options;
    const signed = content.sign !== undefined || content.carried !== undefined;
    const specfile = await this.#specfile(content);
    const path = specfilePath(spec.root, { signed, spec });
    const metadata = await writer.begin({ path, signal });
    try {
      await metadata.write(specfile);
      await this.#commit(metadata, path, signal);
    } finally {
      await metadata.discard();
    }
    await writer.remove(specfilePath(spec.root, { signed: !signed, spec }));
  }

  async abandon(): Promise<void> {
    await this.#options.tarball?.discard();
  }

  async #specfile({ specJson, sha256, sign, carried }: PublishedContent): Promise<Uint8Array> {
    if (carried !== undefined) return carried.text;
    const facts = { layoutVersion: this.#options.layout, sha256 };
    const text = formatSpecfile(specJson.bytes, specJson.path, facts);
    return sign === undefined ? text : sign(text);
  }

  /** Both files are complete before the first gets its name, so readers hardly ever see a new tarball with an old specfile. */
  async #commit(metadata: PendingObject, path: string, signal: AbortSignal | undefined): Promise<void> {
    const { tarball, spec } = this.#options;
    await metadata.prepare();
    await tarball?.prepare();
    signal?.throwIfAborted();
    await tarball?.commit(tarballPath(spec.root, spec));
    await metadata.commit(path);
  }
}
