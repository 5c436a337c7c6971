// Publishes a package of one layout in another: what is signed is signed anew, the tarball stays as it is wherever the layout allows it.
import { encodeUtf8 } from '../../../core/bytes.js';
import { BuildcacheError, SignatureError } from '../../../core/errors.js';
import type { WithSignal } from '../../../core/with-signal.js';
import type {
  BuildCache,
  ImageFacts,
  PackageDescription,
  Publication,
  Publisher,
  SignedSpecfile,
  SignText,
  TarballReference,
} from '../../../mirror/build-cache.js';
import { originalFormat, writeNode } from '../../../spec/json/write-node.js';
import type { Spec } from '../../../spec/spec.js';
import type { Decoders } from '../../../stream/inflate/inflater.js';
import type { SafePath } from '../../../tar/safe-path.js';
import { readVerified } from '../../../transport/read-verified.js';
import { NO_TRUST } from '../../keys/trust.js';
import { ArchiveContent } from './archive-content.js';
import { CarriedTarball } from './carried-tarball.js';
import { PackageRootSearch, WithoutParents } from './without-parents.js';

export interface WholePackage extends WithSignal {
  readonly cache: BuildCache;
  readonly spec: Spec;
  /** An unsigned one does not stand for one that is to be signed. */
  readonly isSigned: boolean;
  /** Whether what was found will do; any that is whole does by default. */
  readonly accepts?: ((found: PackageDescription) => boolean) | undefined;
}

/** Whether a build cache has a package whole. */
export async function hasWhole(wanted: WholePackage): Promise<boolean> {
  const { cache, spec, isSigned, accepts, signal } = wanted;
  for (const kind of isSigned ? (['signed'] as const) : (['signed', 'unsigned'] as const)) {
    try {
      const found = await cache.describe(spec, kind, { trust: NO_TRUST, signal });
      if ('absence' in found || accepts?.(found) === false) continue;
      // It is opened, which compares its size where that is known, and not read.
      const { body } = await found.tarball.open({ signal });
      await body.cancel();
      return true;
    } catch (error) {
      signal?.throwIfAborted();
      // What is broken is written anew.
      if (!(error instanceof BuildcacheError)) throw error;
    }
  }
  return false;
}

export interface NewPublication extends WithSignal {
  readonly publisher: Publisher;
  /** Of a package of layout 0 the one inside. */
  readonly description: PackageDescription;
  readonly engine: Decoders;
  /** If undefined, it is published unsigned. */
  readonly sign: SignText | undefined;
  /** The specfile that somebody signed, which stays as it is with the tarball that it is of. */
  readonly carried?: SignedSpecfile | undefined;
  /** Told the number of bytes that were read so far; the size, if known. */
  readonly onBytes?: ((bytes: number, size: number | undefined) => void) | undefined;
}

export interface PublishedAnew {
  /** Compressed bytes of the tarball. */
  readonly bytes: number;
  /** False where the tarball was there already. */
  readonly isSent: boolean;
  /** Whether it could not stay as it is: it was not gzip, or needed another archive. */
  readonly recompressed: boolean;
}

/** Publishes it, all or nothing. Errors as `Publisher`, and IntegrityError `checksum-mismatch`. */
export async function publishAnew(request: NewPublication): Promise<PublishedAnew> {
  const { publisher, description, engine, sign, carried, onBytes, signal } = request;
  const { specfile, tarball, location, files } = description;
  const size = tarball.size ?? (await files[0]?.measure({ signal }));
  const isRewritten = carried === undefined && needsOtherArchive(description, publisher);
  const content = publisher.makesImages ? new ArchiveContent() : undefined;
  const known = isRewritten || size === undefined ? undefined : { sha256: tarball.sha256, size };
  const publication = await publisher.begin(specfile.spec, { tarball: known, signal });
  try {
    const carrying = { publication, tarball, isRewritten, content, engine, onBytes, signal };
    const isThere = known !== undefined && publication.hasTarball;
    const sent =
      isThere && content === undefined ? { ...known, recompressed: false } : await carryTarball(carrying);
    const { recompressed } = sent;
    if (carried !== undefined && recompressed) throw notCarried(location);
    const specJson = { bytes: specText(specfile.spec, publisher), path: location };
    const image = content && imageFacts(specfile.spec, content);
    await publication.finish({ specJson, ...sent, sign, carried, image }, { signal });
    return { bytes: sent.size, isSent: !publication.hasTarball, recompressed };
  } finally {
    await publication.abandon();
  }
}

interface Carrying extends Pick<NewPublication, 'engine' | 'onBytes'>, WithSignal {
  readonly publication: Publication;
  readonly tarball: TarballReference;
  readonly isRewritten: boolean;
  /** Told what is in the archive; then it is read even if it is there. */
  readonly content: ArchiveContent | undefined;
}

async function carryTarball(carrying: Carrying) {
  const { publication, tarball, isRewritten, content, engine, onBytes, signal } = carrying;
  const write = async (bytes: Uint8Array) => {
    if (!publication.hasTarball) await publication.write(bytes);
  };
  const rewrite = isRewritten ? new WithoutParents(await findRoot(carrying)) : undefined;
  const onContent = content && ((bytes: Uint8Array) => content.push(bytes));
  const carried = new CarriedTarball({ inflater: engine.createInflater(), write, rewrite, onContent });
  await readVerified({
    open: () => tarball.open({ signal }),
    sha256: tarball.sha256,
    signal,
    onChunk: (chunk) => carried.push(chunk),
    onBytes,
  });
  return carried.finish();
}

/** Of other packages the images that are there tell. */
function imageFacts({ root }: Spec, content: ArchiveContent): ImageFacts {
  const { tarSha256, inspection } = content.finish();
  return { tarSha256, inspect: ({ hash }) => (hash === root.hash ? inspection : undefined) };
}

function notCarried(location: string): SignatureError {
  return new SignatureError(
    'signature-missing',
    `Cannot keep the signature of "${location}": its tarball cannot stay as it is`,
    { hint: 'Give --layout to have it signed anew', data: { location } },
  );
}

async function findRoot({ tarball, engine, signal }: Carrying): Promise<SafePath> {
  const search = new PackageRootSearch(engine.createInflater());
  const onChunk = (chunk: Uint8Array) => search.push(chunk);
  await readVerified({ open: () => tarball.open({ signal }), sha256: tarball.sha256, signal, onChunk });
  return search.finish();
}

/** Whether the archive cannot stay as it is: from layout 2 on it has members that the readers of layout 1 do not expect. */
export function needsOtherArchive({ layout }: PackageDescription, { archive }: Publisher): boolean {
  return layout >= 2 && !archive.withParents;
}

/** The specfile that counts, as `.spack/spec.json` has it: in the oldest format that the layout knows and its nodes allow. */
function specText({ nodes }: Spec, { indexFormat }: Publisher): Uint8Array {
  const all = [...nodes.values()];
  const version = all.some((node) => originalFormat(node) > indexFormat) ? 5 : indexFormat;
  const written = all.map((node) => writeNode(node, version));
  return encodeUtf8(JSON.stringify({ spec: { _meta: { version }, nodes: written } }));
}
