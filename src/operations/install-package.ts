// Installs one package: find its metadata, verify it, extract the tarball into a stage, relocate, run the hooks, put it in place,
// record it. Until the rename nothing of it is visible; after a failure nothing of it is left.
import { parseBuildinfo } from '../buildcache/buildinfo.js';
import { tarballPath } from '../buildcache/layout.js';
import { BUILDINFO_PATH, findPackageRoot } from '../buildcache/package-root.js';
import { requireChecksum, type Specfile } from '../buildcache/specfile.js';
import { toLatin1 } from '../core/bytes.js';
import {
  ArchiveError,
  BuildcacheError,
  IntegrityError,
  MetadataError,
  MirrorError,
  SignatureError,
} from '../core/errors.js';
import type { OnProgress } from '../core/progress.js';
import type { Mirror, MirrorObject } from '../mirror/mirror.js';
import type { RelocationEngine } from '../relocation/engine.js';
import { makePlan, type RelocationPlan } from '../relocation/plan.js';
import type { Keyring } from '../signature/keyring.js';
import type { Spec } from '../spec/spec.js';
import { hashToPrefixOrder } from '../spec/traverse.js';
import { groupId } from '../store/group.js';
import { ensureInstallManifest } from '../store/install-manifest.js';
import { fileMode } from '../store/permissions.js';
import { PrefixView } from '../store/prefix-view.js';
import { SHEBANG_LIMIT } from '../store/sbang.js';
import { Stage } from '../store/stage.js';
import { StagedTree } from '../store/staged-tree.js';
import type { Store } from '../store/store.js';
import { storeIoError } from '../store/store-io.js';
import type { Inflater } from '../stream/inflater.js';
import type { SafePath } from '../tar/safe-path.js';
import { extractTarball } from './extract.js';
import type { InflaterPool } from './inflater-pool.js';
import { type HookCounts, runInstallHooks } from './install-hooks.js';
import { openOuterArchive } from './layout0.js';
import { noUsableOffer, type PackageOffer, packageOffers } from './package-offers.js';
import { Phases } from './phases.js';
import { type RelocationCounts, relocateTree } from './relocate-tree.js';

/** What all packages of one run share. */
export interface InstallContext {
  readonly store: Store;
  readonly mirrors: readonly Mirror[];
  readonly keyring: Keyring;
  readonly checkSignature: boolean;
  readonly engine: RelocationEngine;
  readonly inflaters: InflaterPool;
  readonly force: boolean;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: OnProgress | undefined;
}

export interface PackageRequest {
  readonly spec: Spec;
  readonly prefix: string;
  readonly explicit: boolean;
  /** Mirrors that the index named for this package. */
  readonly named: readonly Mirror[];
  /** A digest that the user wants the tarball to have. */
  readonly sha256?: string | undefined;
  /** Resolves when it is this package's turn to appear; rejects when it must not appear any more. */
  readonly turn?: (() => Promise<void>) | undefined;
}

export interface InstalledPackage {
  readonly mirror: string;
  readonly verified: boolean;
  readonly layoutVersion: number;
  readonly compressedBytes: number;
  readonly bytes: number;
  readonly files: number;
  readonly relocation: RelocationCounts & HookCounts;
  /** Milliseconds per phase. */
  readonly phases: Readonly<Record<string, number>>;
  readonly warnings: readonly string[];
}

/** How often a download that broke off is begun again. */
const DOWNLOAD_ATTEMPTS = 3;

/**
 * Installs one package whose dependencies are installed.
 * @throws BuildcacheError of every family; the store is then as it was
 */
export async function installPackage(
  request: PackageRequest,
  context: InstallContext,
): Promise<InstalledPackage> {
  const { spec, named } = request;
  const { mirrors, keyring, checkSignature, signal } = context;
  const refusals: BuildcacheError[] = [];
  const phases = new Phases();
  phases.begin('metadata');
  for await (const offer of packageOffers({ spec, mirrors, named, keyring, checkSignature, signal })) {
    if ('refusal' in offer) {
      refusals.push(offer.refusal);
      continue;
    }
    try {
      const warnings = refusals.map((error) => error.message);
      return await new PackageInstallation(request, context, offer, phases, warnings).run();
    } catch (error) {
      if (!isAboutOffer(error)) throw error;
      refusals.push(error);
    }
    phases.begin('metadata');
  }
  throw noUsableOffer(spec, mirrors, refusals);
}

/** Another mirror may have what this one has not, or has damaged. */
function isAboutOffer(error: unknown): error is BuildcacheError {
  const kinds = [MirrorError, IntegrityError, SignatureError, MetadataError, ArchiveError];
  return kinds.some((kind) => error instanceof kind);
}

interface InnerRequest {
  readonly stage: Stage;
  readonly object: MirrorObject;
  readonly inflater: Inflater;
  readonly onBytes: (bytes: number) => void;
}

/** One attempt to install from one offer. */
class PackageInstallation {
  readonly #request: PackageRequest;
  readonly #context: InstallContext;
  readonly #offer: PackageOffer;
  readonly #phases: Phases;
  readonly #warnings: string[];
  /** The specfile that counts: in layout 0 the one inside of the archive. */
  #specfile: Specfile;
  #isVerified: boolean;
  #compressedBytes = 0;

  constructor(
    request: PackageRequest,
    context: InstallContext,
    offer: PackageOffer,
    phases: Phases,
    warnings: readonly string[],
  ) {
    this.#request = request;
    this.#context = context;
    this.#offer = offer;
    this.#phases = phases;
    this.#warnings = [...warnings];
    this.#specfile = offer.specfile;
    this.#isVerified = offer.signature === 'verified';
  }

  async run(): Promise<InstalledPackage> {
    for (let attempt = 1; ; attempt++) {
      const stage = Stage.create(this.#context.store.root, this.#request.spec.root.hash);
      try {
        return await this.#installFrom(stage);
      } catch (error) {
        const mayRetry = error instanceof MirrorError && error.retryable && attempt < DOWNLOAD_ATTEMPTS;
        if (!mayRetry) throw asStoreError(error, stage.folder);
      } finally {
        stage.remove();
      }
    }
  }

  async #installFrom(stage: Stage): Promise<InstalledPackage> {
    const tree = this.#openTree(stage);
    this.#phases.begin('extract');
    await this.#context.inflaters.lend((inflater) => this.#extract(stage, tree, inflater));
    this.#phases.begin('relocate');
    const root = findPackageRoot(tree.members);
    tree.rootAt(root);
    const relocation = this.#relocate(tree, root, this.#plan(tree, root));
    const hooks = this.#runHooks(tree, root, stage);
    await ensureInstallManifest(this.#manifestRequest(stage));
    this.#phases.begin('commit');
    await this.#commit(stage);
    this.#phases.end();
    return this.#report(tree, { ...relocation, ...hooks });
  }

  #openTree(stage: Stage): StagedTree {
    const policy = this.#permissions();
    return new StagedTree({
      folder: stage.treeFolder,
      keep: `/${BUILDINFO_PATH}`,
      fileMode: (mode) => fileMode(policy, mode),
    });
  }

  #permissions() {
    return this.#context.store.permissionsOf(this.#request.spec.root.name);
  }

  async #extract(stage: Stage, tree: StagedTree, inflater: Inflater): Promise<void> {
    const object = await this.#openTarball();
    const { signal } = this.#context;
    const onBytes = this.#progressOf(object, tree);
    const isOuter = this.#specfile.layoutVersion === 0;
    const inner = isOuter ? await this.#openInner({ stage, object, inflater, onBytes }) : undefined;
    const result = await extractTarball({
      body: inner?.body ?? object.body,
      location: inner?.location ?? object.location,
      expected: this.#expectedDigests(isOuter),
      tree,
      inflater,
      signal,
      onBytes: isOuter ? undefined : onBytes,
    });
    this.#compressedBytes = inner?.outerBytes ?? result.compressedBytes;
  }

  async #openTarball(): Promise<MirrorObject> {
    // Before anything is fetched, a specfile without a usable checksum is refused.
    if (this.#specfile.layoutVersion > 0) requireChecksum(this.#specfile);
    const { spec } = this.#request;
    const object = await this.#offer.mirror.get(tarballPath(spec.root, spec), {
      signal: this.#context.signal,
    });
    const { name, hash } = spec.root;
    this.#context.onProgress?.({ type: 'package-started', package: name, hash, size: object.size });
    return object;
  }

  async #openInner({ stage, object, inflater, onBytes }: InnerRequest) {
    const { keyring, signal } = this.#context;
    const inner = await openOuterArchive({
      body: object.body,
      location: object.location,
      spec: this.#request.spec,
      stage,
      keyring,
      mustVerify: this.#offer.signature === 'pending',
      inflater,
      signal,
      onBytes,
    });
    this.#specfile = { ...inner.specfile, layoutVersion: 0 };
    this.#isVerified = inner.isVerified;
    const { sha256 } = this.#request;
    if (sha256 !== undefined && sha256 !== inner.outerDigest) {
      const data = { location: object.location, expected: sha256, actual: inner.outerDigest };
      throw new IntegrityError(
        'checksum-mismatch',
        `Cannot use "${object.location}": its sha256 is ${inner.outerDigest}, the command line says ${sha256}`,
        {
          data,
        },
      );
    }
    return inner;
  }

  #expectedDigests(isOuter: boolean) {
    const expected = [{ digest: requireChecksum(this.#specfile), source: 'its specfile' }];
    const { sha256 } = this.#request;
    if (sha256 !== undefined && !isOuter) expected.push({ digest: sha256, source: 'the command line' });
    return expected;
  }

  #progressOf(object: MirrorObject, tree: StagedTree): (bytes: number) => void {
    const { onProgress } = this.#context;
    const { name, hash } = this.#request.spec.root;
    return (bytes) => {
      onProgress?.({
        type: 'package-progress',
        package: name,
        hash,
        bytes,
        size: object.size,
        files: tree.members.size,
      });
    };
  }

  #plan(tree: StagedTree, root: SafePath): RelocationPlan {
    const { store } = this.#context;
    const { spec, prefix } = this.#request;
    const bytes = tree.kept.get(`${root}/${BUILDINFO_PATH}` as SafePath);
    if (bytes === undefined) {
      throw new MetadataError(
        'metadata-too-large',
        `Cannot read the buildinfo of "${spec.root.name}": it is too large`,
      );
    }
    const newPrefixes = hashToPrefixOrder(spec).map((node) => ({
      hash: node.hash,
      prefix: latin1(node.hash === spec.root.hash ? prefix : store.prefixOf(node, spec)),
    }));
    return makePlan({
      buildinfo: parseBuildinfo(bytes, `${this.#offer.location} (${BUILDINFO_PATH})`),
      newPrefix: latin1(prefix),
      newLayoutRoot: latin1(store.root),
      newSbangPath: latin1(store.sbangPath),
      newSpackPrefix: store.spackPrefix === undefined ? undefined : latin1(store.spackPrefix),
      newPrefixes,
      layoutVersion: this.#specfile.layoutVersion,
    });
  }

  #relocate(tree: StagedTree, root: SafePath, plan: RelocationPlan): RelocationCounts {
    const { engine } = this.#context;
    return relocateTree({ tree, root, plan, engine, onWarning: (message) => this.#warnings.push(message) });
  }

  #runHooks(tree: StagedTree, root: SafePath, stage: Stage): HookCounts {
    const { store } = this.#context;
    const policy = this.#permissions();
    const isElfPlatform = ELF_PLATFORMS.has(this.#request.spec.root.arch.platform);
    const view = new PrefixView(latin1(this.#request.prefix), latin1(stage.treeFolder));
    return runInstallHooks({
      tree,
      root,
      view: isElfPlatform ? view : undefined,
      sbang: { sbangPath: Buffer.from(store.sbangPath), limit: SHEBANG_LIMIT },
      permissions: policy,
      groupId: policy.group === undefined ? undefined : groupId(policy.group),
    });
  }

  #manifestRequest(stage: Stage) {
    const mode = fileMode(this.#permissions(), 0o644);
    return { folder: stage.treeFolder, prefix: this.#request.prefix, mode, signal: this.#context.signal };
  }

  async #commit(stage: Stage): Promise<void> {
    const { store, force, signal } = this.#context;
    const { spec, prefix, explicit, turn } = this.#request;
    await turn?.();
    signal?.throwIfAborted();
    const committed = store.commit({ stage: stage.treeFolder, hash: spec.root.hash, prefix, force });
    try {
      await store.register({ spec, prefix, explicit, signal });
    } catch (error) {
      committed.rollback();
      throw error;
    }
    committed.finish();
  }

  #report(tree: StagedTree, relocation: RelocationCounts & HookCounts): InstalledPackage {
    const files = [...tree.members.values()].filter((member) => member.kind !== 'directory').length;
    return {
      mirror: this.#offer.mirror.url,
      verified: this.#isVerified,
      layoutVersion: this.#specfile.layoutVersion,
      compressedBytes: this.#compressedBytes,
      bytes: tree.writtenBytes,
      files,
      relocation,
      phases: this.#phases.milliseconds,
      warnings: this.#warnings,
    };
  }
}

/** What the file system refused while the stage was written. */
function asStoreError(error: unknown, folder: string): unknown {
  const isSystemError = !(error instanceof BuildcacheError) && error instanceof Error && 'syscall' in error;
  return isSystemError ? storeIoError('write to', folder, error) : error;
}

const ELF_PLATFORMS: ReadonlySet<string> = new Set(['linux', 'cray']);

function latin1(path: string): string {
  return toLatin1(Buffer.from(path));
}
