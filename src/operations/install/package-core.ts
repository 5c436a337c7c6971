// The core of an installation: compressed bytes go in, a finished tree stands in the stage. It knows no store and no mirror, only
// plain data, so that it runs in a worker as well as here.
import { parseBuildinfo } from '../../buildcache/buildinfo/buildinfo.js';
import { BUILDINFO_PATH, findPackageRoot } from '../../buildcache/package-root.js';
import { fromLatin1, toLatin1 } from '../../core/bytes.js';
import { MetadataError } from '../../core/errors.js';
import type { RelocationKernels } from '../../relocation/engine.js';
import { guessOldRoot } from '../../relocation/plan/old-root.js';
import { makePlan, type PlanInput } from '../../relocation/plan/plan.js';
import { HitRecorder } from '../../relocation/prefixes/hit-recorder.js';
import { ensureInstallManifest } from '../../store/prefix/install-manifest.js';
import { fileMode, type PermissionPolicy } from '../../store/prefix/permissions.js';
import { PrefixView } from '../../store/prefix/prefix-view.js';
import { replaceStoredSpec } from '../../store/prefix/stored-spec.js';
import { SHEBANG_LIMIT } from '../../store/root/sbang.js';
import { StagedTree } from '../../store/staging/staged-tree.js';
import { Decompressor } from '../../stream/decompress.js';
import type { Inflater, MemoryPlace } from '../../stream/inflate/inflater.js';
import type { SafePath } from '../../tar/safe-path.js';
import { TarReader } from '../../tar/tar-reader.js';
import { type RelocationCounts, relocateTree } from '../relocate/relocate-tree.js';
import type { UnpackedInput } from './extract.js';
import { type HookCounts, type HookResult, runInstallHooks, settleRpaths } from './install-hooks.js';

/** What has to be known of a package before its bytes come: plain data. Paths in `places` are latin1 strings, others are text. */
export interface CoreJob {
  readonly packageName: string;
  readonly hash: string;
  /** The hash that the package was built under: another one if it is spliced. */
  readonly builtHash: string;
  /** The empty folder of the stage that becomes the prefix. */
  readonly treeFolder: string;
  readonly prefix: string;
  /** Everything about the new place that a plan needs. */
  readonly places: Omit<PlanInput, 'buildinfo'>;
  /** How many components the prefix has below the root. */
  readonly projectionDepth: number;
  readonly sbangPath: string;
  readonly permissions: PermissionPolicy;
  readonly groupId: number | undefined;
  /** Where install hooks look at rpaths. */
  readonly isElfPlatform: boolean;
  /** Where the bytes come from, for messages. */
  readonly source: string;
  /** The dependencies may still be missing: the core leaves what needs them to `finishPackage`. */
  readonly isAhead: boolean;
  /** What `.spack/spec.json` becomes: a spliced package is described by the tarball of another one. */
  readonly specJson?: string | undefined;
}

export interface CoreResult {
  readonly files: number;
  readonly bytes: number;
  readonly relocation: RelocationCounts & HookCounts;
  readonly warnings: readonly string[];
  /** What was left to `finishPackage`: files, as latin1 byte strings. */
  readonly unsettled: readonly string[];
}

const NOTHING_RELOCATED: RelocationCounts = { text: 0, binaries: 0, rpaths: 0, cStrings: 0, links: 0 };

/** Works on one package. */
export class PackageCore {
  readonly job: CoreJob;
  /** Entries that come another way than through `push` go here. */
  readonly tree: StagedTree;
  readonly #engine: RelocationKernels;
  #scanEngine: RelocationKernels;
  readonly #decompressor: Decompressor | undefined;
  readonly #tar = new TarReader();
  readonly #warnings: string[] = [];
  #failure: unknown;

  /** @param inflater undefined where bytes come decompressed */
  constructor(job: CoreJob, engine: RelocationKernels, inflater: Inflater | undefined) {
    this.job = job;
    this.#engine = engine;
    this.#scanEngine = engine;
    this.#decompressor = inflater && new Decompressor({ inflater, onOutput: (bytes) => this.#unpack(bytes) });
    this.tree = new StagedTree({
      folder: job.treeFolder,
      keep: `/${BUILDINFO_PATH}`,
      fileMode: (mode) => fileMode(job.permissions, mode),
      recordHits: (base) => this.#recorderFor(base),
    });
  }

  /** Members so far. */
  get files(): number {
    return this.tree.members.size;
  }

  /** Whether the archive has ended; what follows is ignored. */
  get hasEnded(): boolean {
    return this.#tar.ended;
  }

  /** Takes compressed bytes. After a failure it only swallows them, so that their digest can be completed. */
  push(chunk: Uint8Array): void {
    this.attempt(() => this.#decompressor?.push(chunk));
  }

  /** Takes bytes that were decompressed elsewhere. */
  unpack(bytes: Uint8Array): void {
    this.attempt(() => this.#unpack(bytes));
  }

  /** Says that the bytes will lie in memory that another thread shares. */
  scanIn(place: MemoryPlace): void {
    this.#scanEngine = this.#engine.inMemory?.(place) ?? this.#engine;
  }

  /** Ends the input. */
  end(): UnpackedInput {
    this.attempt(() => {
      this.#decompressor?.finish();
      this.#tar.finish();
    });
    this.tree.abandon();
    return { failure: this.#failure };
  }

  /**
   * Relocates what is extracted, runs the hooks, and finishes the tree, unless that is to be done later.
   * @param options `isRelocated`: the entries came relocated
   * @throws ArchiveError, MetadataError, RelocationError, StoreError
   */
  async complete({ isRelocated = false }: { readonly isRelocated?: boolean } = {}): Promise<CoreResult> {
    const root = findPackageRoot(this.tree.members);
    this.tree.rootAt(root);
    const relocation = isRelocated ? NOTHING_RELOCATED : this.#relocate(root);
    const { counts, unsettled } = this.#runHooks(root);
    if (!this.job.isAhead) await finishPackage(this.job, []);
    return {
      files: [...this.tree.members.values()].filter((member) => member.kind !== 'directory').length,
      bytes: this.tree.writtenBytes,
      relocation: { ...relocation, ...counts },
      warnings: this.#warnings,
      unsettled,
    };
  }

  /** Closes what an error or an abort left open. */
  abandon(): void {
    this.tree.abandon();
  }

  /** Carries out a step of unpacking; the first that fails is why the package failed, and no other follows. */
  attempt(step: () => void): void {
    if (this.#failure !== undefined) return;
    try {
      step();
    } catch (error) {
      this.#failure = error;
    }
  }

  #unpack(bytes: Uint8Array): void {
    this.#tar.push(bytes);
    for (let event = this.#tar.next(); event !== undefined; event = this.#tar.next()) {
      if (event.type === 'data') this.tree.write(event.bytes);
      else if (event.type === 'entry') this.tree.beginEntry(event.entry);
      else this.tree.endEntry();
    }
    if (this.#tar.ended) this.#decompressor?.stop();
  }

  /** The guess of the old store's root is confirmed, or not, by the buildinfo at the end. */
  #recorderFor(base: string): HitRecorder | undefined {
    const root = guessOldRoot({ base, hash: this.job.builtHash, depth: this.job.projectionDepth });
    return root === undefined ? undefined : new HitRecorder(this.#scanEngine, fromLatin1(root));
  }

  #relocate(root: SafePath): RelocationCounts {
    const { packageName, source, places } = this.job;
    const bytes = this.tree.kept.get(`${root}/${BUILDINFO_PATH}` as SafePath);
    if (bytes === undefined) {
      throw new MetadataError(
        'metadata-too-large',
        `Cannot read the buildinfo of "${packageName}": it is too large`,
      );
    }
    const buildinfo = parseBuildinfo(bytes, `${source} (${BUILDINFO_PATH})`);
    const plan = makePlan({ ...places, buildinfo });
    const onWarning = (message: string) => this.#warnings.push(message);
    return relocateTree({ tree: this.tree, root, plan, engine: this.#engine, onWarning });
  }

  #runHooks(root: SafePath): HookResult {
    const { isElfPlatform, isAhead, sbangPath, permissions, groupId } = this.job;
    return runInstallHooks({
      tree: this.tree,
      root,
      view: isElfPlatform ? viewOf(this.job) : undefined,
      isAhead,
      sbang: { sbangPath: Buffer.from(sbangPath), limit: SHEBANG_LIMIT },
      permissions,
      groupId,
    });
  }
}

/**
 * The last steps, when all that the package depends on is installed: rpaths that were left, and the manifest. Then nothing may change
 * in the tree any more.
 * @returns how many files lost rpaths
 * @throws StoreError
 */
export async function finishPackage(job: CoreJob, unsettled: readonly string[]): Promise<number> {
  const { treeFolder: folder, prefix, permissions, specJson } = job;
  const droppedRpaths = unsettled.length === 0 ? 0 : settleRpaths(unsettled, viewOf(job));
  if (specJson !== undefined)
    replaceStoredSpec({ folder, specJson, mode: fileMode(permissions, 0o644), groupId: job.groupId });
  await ensureInstallManifest({ folder, prefix, mode: fileMode(permissions, 0o644) });
  return droppedRpaths;
}

function viewOf({ places, treeFolder }: CoreJob): PrefixView {
  return new PrefixView(places.newPrefix, toLatin1(Buffer.from(treeFolder)));
}
