// The old form of a package (layout 0): an outer tar with the specfile, perhaps its detached signature, and the tarball proper.
// The signature counts for what is inside, so the tarball is kept in a file until it is verified.
import { createHash } from 'node:crypto';
import { packageName } from '../buildcache/layout.js';
import { parseSpecfile, type Specfile } from '../buildcache/specfile/specfile.js';
import { concatBytes, copyBytes } from '../core/bytes.js';
import { ArchiveError, SignatureError } from '../core/errors.js';
import { verifyDetached } from '../signature/detached.js';
import type { Keyring } from '../signature/keys/keyring.js';
import type { Spec } from '../spec/spec.js';
import type { Stage } from '../store/staging/stage.js';
import { StagedFileWriter, stagedFileStream } from '../store/staging/staged-file.js';
import { Decompressor } from '../stream/decompress.js';
import type { Inflater } from '../stream/inflate/inflater.js';
import type { TarEntry } from '../tar/entry.js';
import { TarReader } from '../tar/tar-reader.js';
import { checkIdentity } from './package-offers.js';

export interface OuterArchiveRequest {
  readonly body: AsyncIterable<Uint8Array>;
  /** URL or path of the outer archive, for messages. */
  readonly location: string;
  readonly spec: Spec;
  readonly stage: Stage;
  readonly keyring: Keyring;
  readonly mustVerify: boolean;
  readonly inflater: Inflater;
  readonly signal?: AbortSignal | undefined;
  readonly onBytes?: ((bytes: number) => void) | undefined;
}

export interface InnerTarball {
  readonly specfile: Specfile;
  readonly location: string;
  /** Opens the inner tarball, from the stage. */
  readonly open: () => ReadableStream<Uint8Array>;
  readonly isVerified: boolean;
  /** SHA-256 of the outer archive, which is what a user's own digest means. */
  readonly outerDigest: string;
  readonly outerBytes: number;
}

/** Specfiles and signatures beyond this are refused. */
const MAX_METADATA_SIZE = 64 << 20;

/**
 * Reads the outer archive and verifies what is in it.
 * @throws ArchiveError `archive-layout` and the codes of tar archives; SignatureError; MetadataError `wrong-package`
 */
export async function openOuterArchive(request: OuterArchiveRequest): Promise<InnerTarball> {
  const { spec, location, mustVerify, keyring } = request;
  const parts = new OuterParts(request.stage, `${packageName(spec.root, spec)}`);
  const { outerDigest, outerBytes } = await unpackOuter(request, parts);
  const { metadata, tarball, signature } = parts.require(location);
  const source = `${location} (${metadata.name})`;
  if (mustVerify) await verifyInner({ metadata: metadata.bytes, signature, keyring, source });
  const specfile = parseSpecfile(metadata.bytes, source);
  checkIdentity({ specfile, spec, location: source, isVerified: mustVerify });
  const open = () => stagedFileStream(tarball.file);
  return {
    specfile,
    location: `${location} (${tarball.name})`,
    open,
    isVerified: mustVerify,
    outerDigest,
    outerBytes,
  };
}

interface DetachedCheck {
  readonly metadata: Uint8Array;
  readonly signature: Uint8Array | undefined;
  readonly keyring: Keyring;
  readonly source: string;
}

async function verifyInner({ metadata, signature, keyring, source }: DetachedCheck): Promise<void> {
  if (signature === undefined) {
    throw new SignatureError('signature-missing', `Cannot use "${source}": it is not signed`, {
      hint: 'Install with "--no-check-signature", or configure the mirror with "signed: false"',
      data: { location: source },
    });
  }
  await verifyDetached(metadata, signature, keyring, source);
}

async function unpackOuter(request: OuterArchiveRequest, parts: OuterParts) {
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
  const decompressor = new Decompressor({ inflater: request.inflater, onOutput });
  let outerBytes = 0;
  try {
    for await (const chunk of request.body) {
      request.signal?.throwIfAborted();
      hash.update(chunk);
      outerBytes += chunk.length;
      decompressor.push(chunk);
      request.onBytes?.(outerBytes);
    }
    decompressor.finish();
    tar.finish();
  } finally {
    parts.abandon();
  }
  return { outerDigest: hash.digest('hex'), outerBytes };
}

interface Metadata {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Collects the members that count; others are ignored, a second one of a name replaces the first. */
class OuterParts {
  readonly #stage: Stage;
  readonly #base: string;
  readonly #metadata = new Map<string, Uint8Array>();
  #tarball: { name: string; file: string } | undefined;
  #writer: StagedFileWriter | undefined;
  #collecting: { name: string; chunks: Uint8Array[] } | undefined;

  constructor(stage: Stage, base: string) {
    this.#stage = stage;
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
    if (this.#writer !== undefined) this.#writer.write(bytes);
    else this.#collecting?.chunks.push(copyBytes(bytes));
  }

  end(): void {
    if (this.#collecting !== undefined)
      this.#metadata.set(this.#collecting.name, concatBytes(this.#collecting.chunks));
    this.abandon();
  }

  abandon(): void {
    this.#collecting = undefined;
    this.#writer?.close();
    this.#writer = undefined;
  }

  /** The members that must be there. */
  require(location: string): {
    metadata: Metadata;
    tarball: { name: string; file: string };
    signature: Uint8Array | undefined;
  } {
    const bytes = this.#metadata.get(this.#specfileName);
    if (bytes === undefined) throw lacks(location, this.#specfileName);
    if (this.#tarball === undefined) throw lacks(location, `${this.#base}.tar.gz`);
    const signature = this.#metadata.get(`${this.#specfileName}.asc`);
    return { metadata: { name: this.#specfileName, bytes }, tarball: this.#tarball, signature };
  }

  get #specfileName(): string {
    return `${this.#base}.spec.json`;
  }

  #beginTarball(name: string): void {
    const file = this.#stage.file('inner');
    this.#writer = new StagedFileWriter(file);
    this.#tarball = { name, file };
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
