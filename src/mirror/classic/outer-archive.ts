// The archive of a package in layout 0: an outer tar with the specfile, perhaps its detached signature, and the tarball proper.
// The signature counts for what is inside, so the tarball is kept in a file until it is verified.
import { createHash } from 'node:crypto';
import { concatBytes, copyBytes } from '../../core/bytes.js';
import { ArchiveError } from '../../core/errors.js';
import { Decompressor } from '../../stream/decompress.js';
import type { Inflater } from '../../stream/inflate/inflater.js';
import type { TarEntry } from '../../tar/entry.js';
import { TarReader } from '../../tar/tar-reader.js';
import type { OpenedObject } from '../../transport/object-store.js';
import type { ScratchFile, UnwrappedPackage } from '../build-cache.js';
import { SPECFILE_ENDING } from './paths.js';

export interface OuterArchiveRequest {
  /** The outer archive, its body not yet read. */
  readonly object: OpenedObject;
  /** What the members that count begin with. */
  readonly name: string;
  readonly scratch: ScratchFile;
  readonly inflater: Inflater;
  readonly signal?: AbortSignal | undefined;
  readonly onBytes?: ((bytes: number, size: number | undefined) => void) | undefined;
}

export interface OuterArchive {
  readonly parts: OuterMembers;
  readonly outer: UnwrappedPackage['outer'];
}

export interface OuterMembers {
  readonly specfile: { readonly name: string; readonly bytes: Uint8Array };
  readonly signature: Uint8Array | undefined;
  /** The name of the tarball, which is in the scratch file. */
  readonly tarball: string;
}

/** Specfiles and signatures beyond this are refused. */
const MAX_METADATA_SIZE = 64 << 20;

/**
 * Reads the outer archive; nothing of it is verified.
 * @throws ArchiveError `archive-layout` and the codes of tar archives; IntegrityError of its compression; MirrorError
 */
export async function readOuterArchive(request: OuterArchiveRequest): Promise<OuterArchive> {
  const { name, scratch, object } = request;
  const parts = new OuterParts(scratch, name);
  const outer = await unpackOuter(request, parts);
  return { parts: parts.require(object.location), outer };
}

async function unpackOuter({ object, inflater, signal, onBytes }: OuterArchiveRequest, parts: OuterParts) {
  const { body, location, size: announced } = object;
  const hash = createHash('sha256');
  const tar = new TarReader();
  const onOutput = (bytes: Uint8Array) => {
    tar.push(bytes);
    for (let event = tar.next(); event !== undefined; event = tar.next()) {
      if (event.type === 'entry') parts.begin(event.entry);
      else if (event.type === 'data') parts.write(event.bytes);
      else parts.end();
    }
  };
  const decompressor = new Decompressor({ inflater, onOutput });
  let size = 0;
  try {
    onBytes?.(size, announced);
    for await (const chunk of body) {
      signal?.throwIfAborted();
      hash.update(chunk);
      size += chunk.length;
      decompressor.push(chunk);
      onBytes?.(size, announced);
    }
    decompressor.finish();
    tar.finish();
  } finally {
    parts.abandon();
  }
  return { location, sha256: hash.digest('hex'), size };
}

/** Collects the members that count; others are ignored, a second one of a name replaces the first. */
class OuterParts {
  readonly #scratch: ScratchFile;
  readonly #base: string;
  readonly #metadata = new Map<string, Uint8Array>();
  #tarball: string | undefined;
  #isInTarball = false;
  #collecting: { name: string; chunks: Uint8Array[] } | undefined;

  constructor(scratch: ScratchFile, base: string) {
    this.#scratch = scratch;
    this.#base = base;
  }

  begin(entry: TarEntry): void {
    const name = entry.path.replace(/^\.\//, '');
    if (entry.type !== 'file') return;
    if (name === `${this.#base}.tar.gz` || name === `${this.#base}.tar.bz2`) this.#beginTarball(name);
    else if (name === this.#specfileName || name === `${this.#specfileName}.asc`)
      this.#beginMetadata(name, entry.size);
  }

  write(bytes: Uint8Array): void {
    if (this.#isInTarball) this.#scratch.write(bytes);
    else this.#collecting?.chunks.push(copyBytes(bytes));
  }

  end(): void {
    if (this.#collecting !== undefined)
      this.#metadata.set(this.#collecting.name, concatBytes(this.#collecting.chunks));
    this.abandon();
  }

  abandon(): void {
    this.#collecting = undefined;
    if (this.#isInTarball) this.#scratch.end();
    this.#isInTarball = false;
  }

  /** The members that must be there. */
  require(location: string): OuterMembers {
    const bytes = this.#metadata.get(this.#specfileName);
    if (bytes === undefined) throw lacks(location, this.#specfileName);
    if (this.#tarball === undefined) throw lacks(location, `${this.#base}.tar.gz`);
    const signature = this.#metadata.get(`${this.#specfileName}.asc`);
    return { specfile: { name: this.#specfileName, bytes }, tarball: this.#tarball, signature };
  }

  get #specfileName(): string {
    return `${this.#base}${SPECFILE_ENDING}`;
  }

  #beginTarball(name: string): void {
    this.#scratch.begin();
    this.#isInTarball = true;
    this.#tarball = name;
  }

  #beginMetadata(name: string, size: number): void {
    if (size > MAX_METADATA_SIZE) {
      throw new ArchiveError('tar-too-large', `Cannot read the member "${name}": it has ${size} bytes`, {
        data: { path: name, size, limit: MAX_METADATA_SIZE },
      });
    }
    this.#collecting = { name, chunks: [] };
  }
}

function lacks(location: string, name: string): ArchiveError {
  return new ArchiveError('archive-layout', `Cannot use "${location}": it has no member "${name}"`, {
    hint: 'The file is not what its specfile says (layout 0): push the package again',
    data: { location, name },
  });
}
