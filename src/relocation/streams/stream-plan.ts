// The plan for a stream of entries: what a first pass over the archive finds, so that a second one can relocate on its way.
import { readElf } from '../../binfmt/elf/elf.js';
import { parseBuildinfo } from '../../buildcache/buildinfo/buildinfo.js';
import { BUILDINFO_PATH, findPackageRoot } from '../../buildcache/package-root.js';
import type { ByteSource, Edit } from '../../core/byte-source.js';
import { concatBytes, copyBytes } from '../../core/bytes.js';
import { MetadataError } from '../../core/errors.js';
import { type ArchiveEntry, forEachEntry } from '../../tar/archive-entry.js';
import type { TarEntry } from '../../tar/entry.js';
import { displayPath, parseSafePath, type SafePath } from '../../tar/safe-path.js';
import type { RelocationKernels } from '../engine.js';
import { findNames } from '../files/binary-steps.js';
import { originOf } from '../names/relative-rpath.js';
import { type ListedFile, type ListedMember, listedFiles, listedLinks } from '../plan/listed-files.js';
import { makePlan, type PlanInput, type RelocationPlan } from '../plan/plan.js';
import { encodeMapping } from '../prefixes/prefix-map.js';
import { SparseSource } from './sparse-source.js';

/** What `relocate()` does to which entries, by their names in the archive. */
export interface StreamPlan {
  readonly root: SafePath;
  readonly relocation: RelocationPlan;
  readonly texts: ReadonlyMap<SafePath, ListedFile>;
  readonly binaries: ReadonlyMap<SafePath, ListedFile>;
  readonly links: ReadonlyMap<SafePath, ListedFile>;
  /** New rpaths and interpreters. */
  readonly elfEdits: ReadonlyMap<SafePath, readonly Edit[]>;
}

export interface ReadPlanRequest extends Omit<PlanInput, 'buildinfo'> {
  readonly engine: RelocationKernels;
  /** For messages. */
  readonly source: string;
}

/** Opens the archive anew for each pass. */
export type OpenEntries = () => ReadableStream<ArchiveEntry> | Promise<ReadableStream<ArchiveEntry>>;

const LARGEST_BUILDINFO = 64 << 20;
/** The parts of an ELF file that are needed lie in both directions; more passes than this no real file takes. */
const MOST_PASSES = 16;

/**
 * Reads an archive, usually twice, and plans its relocation.
 * @example
 * const open = () => mirrorBody().pipeThrough(gunzip()).pipeThrough(untar());
 * const plan = await readPlan(open, { ...places, engine, source: 'x.spack' });
 * await open().pipeThrough(relocate(plan, { engine })).pipeTo(writeTree(tree));
 * @throws MetadataError `buildinfo-missing`, `buildinfo-invalid`; RelocationError `old-layout`, `listed-file-missing`,
 * `cannot-grow-rpath`; what the archive's stream throws
 */
export async function readPlan(open: OpenEntries, request: ReadPlanRequest): Promise<StreamPlan> {
  const survey = new Survey();
  await forEachEntry(await open(), (entry) => survey.visit(entry));
  const root = findPackageRoot(survey.members);
  const relocation = makePlan({ ...request, buildinfo: survey.buildinfo(root, request.source) });
  const binaries = survey.bodiesOf(listedFiles(survey.members, root, relocation.binaryFiles));
  const elfEdits = await findElfEdits(open, survey, { binaries, relocation, engine: request.engine });
  return {
    root,
    relocation,
    binaries,
    texts: survey.bodiesOf(listedFiles(survey.members, root, relocation.textFiles)),
    links: byPath(listedLinks(survey.members, root, relocation.linkFiles)),
    elfEdits,
  };
}

function byPath(files: readonly ListedFile[]): ReadonlyMap<SafePath, ListedFile> {
  return new Map(files.map((file) => [file.path, file]));
}

type SurveyMember = ListedMember & { readonly isListed: boolean };

/** What the first pass learns: members, the buildinfo, and the parts of ELF files that came after they were known to matter. */
class Survey {
  readonly members = new Map<SafePath, SurveyMember>();
  readonly sources = new Map<SafePath, SparseSource>();
  readonly #kept = new Map<SafePath, Uint8Array>();
  /** By inode: the member that has the body. */
  readonly #bodies: SafePath[] = [];

  async visit({ entry, body }: ArchiveEntry): Promise<void> {
    const path = parseSafePath(entry.path);
    this.#addMember(path, entry);
    if (entry.type !== 'file') return;
    this.#kept.delete(path);
    if (path.endsWith(`/${BUILDINFO_PATH}`)) this.#kept.set(path, await readLimited(body, entry.size));
    else await this.#probe(path, entry.size, body);
  }

  buildinfo(root: SafePath, source: string) {
    const bytes = this.#kept.get(`${root}/${BUILDINFO_PATH}` as SafePath);
    if (bytes === undefined)
      throw new MetadataError('buildinfo-missing', `Cannot find the buildinfo in "${source}"`);
    return parseBuildinfo(bytes, `${source} (${BUILDINFO_PATH})`);
  }

  /** The members whose bodies the listed names stand for: other names of a hard link group have none. */
  bodiesOf(files: readonly ListedFile[]): ReadonlyMap<SafePath, ListedFile> {
    return byPath(
      files.map((file) => {
        const member = this.members.get(file.path);
        const body = member?.kind === 'file' ? this.#bodies[member.inode] : undefined;
        return { ...file, path: body ?? file.path };
      }),
    );
  }

  #addMember(path: SafePath, entry: TarEntry): void {
    if (entry.type === 'directory' || entry.type === 'symlink') {
      this.members.set(path, { kind: entry.type, isListed: true });
    } else if (entry.type === 'hardlink') {
      const target = this.members.get(parseSafePath(entry.linkPath ?? ''));
      if (target !== undefined) this.members.set(path, target);
    } else {
      this.members.set(path, { kind: 'file', inode: this.#bodies.push(path) - 1, isListed: true });
    }
  }

  /** Parses an ELF file as far as its parts come in order. */
  async #probe(path: SafePath, size: number, body: ReadableStream<Uint8Array>): Promise<void> {
    this.sources.delete(path);
    const source = new SparseSource(size);
    let isElf: boolean | undefined;
    for await (const chunk of body) {
      isElf ??= chunk[0] === ELF_FIRST_BYTE;
      if (!isElf) return;
      source.feed(chunk, readElf);
    }
    if (isElf) this.sources.set(path, source);
  }
}

const ELF_FIRST_BYTE = 0x7f;

interface ElfRequest {
  readonly binaries: ReadonlyMap<SafePath, ListedFile>;
  readonly relocation: RelocationPlan;
  readonly engine: RelocationKernels;
}

/** Passes over the archive until every listed ELF file has given its strings. */
async function findElfEdits(
  open: OpenEntries,
  survey: Survey,
  { binaries, relocation, engine }: ElfRequest,
): Promise<ReadonlyMap<SafePath, readonly Edit[]>> {
  const mapping = encodeMapping(relocation.binaryMapping);
  const patcher = engine.createElfPatcher(mapping, { rewriteInterpreter: relocation.rewriteInterpreter });
  const edits = new Map<SafePath, readonly Edit[]>();
  const patch = (path: SafePath, file: ByteSource) => {
    const origin = originOf(relocation, binaries.get(path)?.name ?? '');
    return findNames({ name: displayPath(path), file, origin }, patcher);
  };
  const settle = (path: SafePath, source: SparseSource): boolean => {
    const found = source.attempt((bytes) => patch(path, bytes));
    if (found !== undefined) edits.set(path, found.result);
    return found !== undefined;
  };
  let unsettled = [...survey.sources].filter(([path, source]) => binaries.has(path) && !settle(path, source));
  for (let pass = 1; unsettled.length > 0 && pass <= MOST_PASSES; pass++) {
    const pending = new Map(unsettled);
    await forEachEntry(await open(), async ({ entry, body }) => {
      const path = parseSafePath(entry.path);
      const source = entry.type === 'file' ? pending.get(path) : undefined;
      if (source === undefined) return;
      source.rewind();
      for await (const chunk of body) source.feed(chunk, (bytes) => patch(path, bytes));
    });
    unsettled = unsettled.filter(([path, source]) => !settle(path, source));
  }
  return edits;
}

async function readLimited(body: ReadableStream<Uint8Array>, size: number): Promise<Uint8Array> {
  if (size > LARGEST_BUILDINFO) {
    throw new MetadataError('metadata-too-large', `Cannot read the buildinfo: it has ${size} bytes`, {
      data: { size },
    });
  }
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(copyBytes(chunk));
  return concatBytes(chunks);
}
