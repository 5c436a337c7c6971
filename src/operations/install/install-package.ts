// Installs one package: find its metadata, verify it, extract the tarball into a stage, relocate, run the hooks, put it in place,
// record it. Until the rename nothing of it is visible; after a failure nothing of it is left.
import type { RelocationRules } from '../../buildcache/relocation-rules.js';
import {
  ArchiveError,
  BuildcacheError,
  IntegrityError,
  MetadataError,
  MirrorError,
  SignatureError,
} from '../../core/errors.js';
import type { OnProgress } from '../../core/progress.js';
import type { Mirror } from '../../mirror/build-cache.js';
import type { RelocationEngine } from '../../relocation/engine.js';
import { type OtherRules, rulesWithoutSbang } from '../../relocation/plan/rules-without-sbang.js';
import type { Keyring } from '../../signature/keys/keyring.js';
import type { DagHash, Spec } from '../../spec/spec.js';
import { Stage } from '../../store/staging/stage.js';
import type { Store } from '../../store/store.js';
import { storeIoError } from '../../store/store-io.js';
import { isRetryable } from '../../transport/read-object.js';
import { buildOffers, noUsableBuildOffer } from '../fetch/build-offers.js';
import type { HedgeOptions } from '../fetch/hedged-tarball.js';
import type { PackageOffer } from '../fetch/package-offers.js';
import { prepareTarball, type TarballSource } from '../fetch/tarball-source.js';
import type { RelocationCounts } from '../relocate/relocate-tree.js';
import type { Turn } from '../schedule.js';
import type { CorePool } from '../workers/core-pool.js';
import type { InflaterPool } from '../workers/inflater-pool.js';
import { coreJob } from './core-job.js';
import type { ExtractPackage } from './extract-package.js';
import type { HookCounts } from './install-hooks.js';
import { type CoreJob, type CoreResult, finishPackage } from './package-core.js';
import { Phases } from './phases.js';

/** What all packages of one run share. */
export interface InstallContext {
  readonly store: Store;
  readonly mirrors: readonly Mirror[];
  readonly keyring: Keyring;
  readonly checkSignature: boolean;
  readonly engine: RelocationEngine;
  readonly inflaters: InflaterPool;
  readonly cores: CorePool;
  readonly force: boolean;
  readonly aliasRoot?: string | undefined;
  readonly extract: ExtractPackage;
  readonly hedge?: HedgeOptions | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: OnProgress | undefined;
}

export interface PackageRequest {
  readonly spec: Spec;
  readonly prefix: string;
  readonly explicit: boolean;
  /** Compressed bytes, where they are known before. */
  readonly size?: number | undefined;
  /** Mirrors that the index named for a package. */
  readonly namedFor: (hash: DagHash) => readonly Mirror[];
  /** A digest that the user wants the tarball to have. */
  readonly sha256?: string | undefined;
  /** When it may appear: what it depends on is installed then. Without it, now. */
  readonly turn?: Turn | undefined;
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

/** One that cannot go on where it broke off, or whose tarball was replaced meanwhile, is begun once more. */
const DOWNLOAD_ATTEMPTS = 2;

/**
 * Installs one package.
 * @throws BuildcacheError of every family; the store is then as it was
 */
export async function installPackage(
  request: PackageRequest,
  context: InstallContext,
): Promise<InstalledPackage> {
  const { spec } = request;
  const refusals: BuildcacheError[] = [];
  const phases = new Phases();
  phases.begin('metadata');
  for await (const { offered, offer } of buildOffers({ ...context, ...request })) {
    if ('refusal' in offer) {
      refusals.push(offer.refusal);
      continue;
    }
    try {
      // Of a mirror that is left alone everybody was told already.
      const news = refusals.filter(({ code }) => code !== 'mirror-left-alone');
      const warnings = news.map(({ message }) => message);
      return await new PackageInstallation({ request, context, offered, offer, phases, warnings }).run();
    } catch (error) {
      if (!isAboutOffer(error)) throw error;
      refusals.push(namingTarball(error, offer.description.tarball.location));
    }
    phases.begin('metadata');
  }
  throw noUsableBuildOffer({ spec, mirrors: context.mirrors, refusals, action: 'install' });
}

interface InstallationOptions {
  readonly request: PackageRequest;
  readonly context: InstallContext;
  readonly offered: Spec;
  readonly offer: PackageOffer;
  readonly phases: Phases;
  readonly warnings: readonly string[];
}

interface DownloadOptions {
  /** Whether only the mirror of the offer may bring bytes. */
  readonly isAlone: boolean;
}

/** One attempt to install from one offer. */
class PackageInstallation {
  readonly #request: PackageRequest;
  readonly #context: InstallContext;
  readonly #offered: Spec;
  readonly #offer: PackageOffer;
  readonly #phases: Phases;
  readonly #warnings: string[];
  /** Whether another mirror brought some of the bytes. */
  #isMixed = false;
  /** In place of those of the offer. */
  #rules: RelocationRules | undefined;

  constructor({ request, context, offered, offer, phases, warnings }: InstallationOptions) {
    this.#request = request;
    this.#context = context;
    this.#offered = offered;
    this.#offer = offer;
    this.#phases = phases;
    this.#warnings = [...warnings];
  }

  async run(): Promise<InstalledPackage> {
    try {
      return await this.#download();
    } catch (error) {
      const other = this.#otherRules(error);
      if (other === undefined) throw error;
      this.#rules = other.rules;
      this.#warnings.push(other.warning);
      return this.#download();
    }
  }

  async #download(): Promise<InstalledPackage> {
    for (let attempt = 1; ; attempt++) {
      const stage = Stage.create(this.#context.store.root, this.#request.spec.root.hash);
      const isAlone = this.#isMixed;
      this.#isMixed = false;
      try {
        return await this.#installFrom(stage, { isAlone });
      } catch (error) {
        if (attempt >= DOWNLOAD_ATTEMPTS || !this.#mayStartAnew(error))
          throw asStoreError(error, stage.folder);
      } finally {
        stage.remove();
      }
    }
  }

  /** Which of two mirrors brought wrong bytes nobody knows: one alone may have the right ones. */
  #mayStartAnew(error: unknown): boolean {
    if (error instanceof IntegrityError) return this.#isMixed;
    return error instanceof MirrorError && isRetryable(error);
  }

  async #installFrom(stage: Stage, how: DownloadOptions): Promise<InstalledPackage> {
    this.#phases.begin('extract');
    const source = await this.#prepare(stage, how);
    const job = this.#job(stage, source);
    const { size } = this.#request;
    const { extract } = this.#context;
    const extraction = { ...this.#context, source, job, size, phases: this.#phases };
    const { result, compressedBytes } = await extract(extraction);
    const finished = await this.#finish(job, result);
    this.#phases.begin('commit');
    await this.#commit(stage, this.#specOf(source));
    this.#phases.end();
    return this.#report(source, finished, compressedBytes);
  }

  async #prepare(stage: Stage, { isAlone }: DownloadOptions): Promise<TarballSource> {
    const { inflaters } = this.#context;
    const { sha256, spec: installed } = this.#request;
    const [spec, offer] = [this.#offered, this.#offer];
    const inflater = inflaters.take();
    try {
      const request = { ...this.#context, spec, installed, sha256, offer, stage, inflater, isAlone };
      const onTakeover = () => {
        this.#isMixed = true;
      };
      return await prepareTarball({ ...request, onTakeover });
    } finally {
      inflaters.release(inflater);
    }
  }

  #job(stage: Stage, source: TarballSource): CoreJob {
    const { store, aliasRoot } = this.#context;
    const spec = this.#specOf(source);
    const prefix = this.#requireSamePlace(spec, source.location);
    const isAhead = this.#request.turn?.hasCome === false;
    return coreJob({
      store,
      stage,
      spec,
      prefix,
      rules: this.#rules ?? source.rules,
      source: source.location,
      aliasRoot,
      isAhead,
      built: this.#isSplice ? source.specfile.spec : undefined,
    });
  }

  /** Whether the tarball is of the build spec. */
  get #isSplice(): boolean {
    return this.#offered.root.hash !== this.#request.spec.root.hash;
  }

  /** What is installed: as its own metadata says, but nothing on a mirror describes a splice of what is there. */
  #specOf(source: TarballSource): Spec {
    return this.#isSplice ? this.#request.spec : source.specfile.spec;
  }

  #otherRules(error: unknown): OtherRules | undefined {
    const { store, aliasRoot } = this.#context;
    const { root, sbangPath } = store;
    const alias = aliasRoot === undefined ? sbangPath : sbangPath.replace(root, () => aliasRoot);
    const { rules } = this.#offer.description;
    return rulesWithoutSbang({ error, rules, sbangPaths: [sbangPath, alias] });
  }

  /** The index, which nobody signed, said where the package goes: what the specfile says must be the same. */
  #requireSamePlace(spec: Spec, location: string): string {
    const { prefix } = this.#request;
    const actual = this.#context.store.ownPrefixOf(spec.root, spec);
    if (actual === prefix) return prefix;
    throw new MetadataError(
      'wrong-package',
      `Cannot use "${location}": its specfile leads to "${actual}", the index to "${prefix}"`,
      { hint: 'The index of the mirror is wrong: update it', data: { location, expected: prefix, actual } },
    );
  }

  /** Waits until the package may appear, and does what could not be done before. */
  async #finish(job: CoreJob, result: CoreResult): Promise<CoreResult> {
    await this.#wait();
    if (!job.isAhead) return result;
    this.#phases.begin('relocate');
    const droppedRpaths = await finishPackage(job, result.unsettled);
    return { ...result, relocation: { ...result.relocation, droppedRpaths } };
  }

  async #wait(): Promise<void> {
    const { spec, turn } = this.#request;
    if (turn === undefined) return;
    this.#phases.begin('wait');
    const { name, hash } = spec.root;
    if (!turn.hasCome) this.#context.onProgress?.({ type: 'package-waits', package: name, hash });
    await turn.come();
  }

  /** Makes the package appear and records it; when either fails, everything is as before. */
  async #commit(stage: Stage, spec: Spec): Promise<void> {
    const { store, force, signal } = this.#context;
    const { prefix, explicit } = this.#request;
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

  #report(source: TarballSource, result: CoreResult, compressedBytes: number): InstalledPackage {
    return {
      mirror: this.#offer.mirror.cache.url,
      verified: source.isVerified,
      layoutVersion: source.specfile.layoutVersion,
      compressedBytes,
      bytes: result.bytes,
      files: result.files,
      relocation: result.relocation,
      phases: this.#phases.milliseconds,
      warnings: [...this.#warnings, ...result.warnings],
    };
  }
}

/** What the file system refused while the stage was written. */
function asStoreError(error: unknown, folder: string): unknown {
  const isSystemError = !(error instanceof BuildcacheError) && error instanceof Error && 'syscall' in error;
  return isSystemError ? storeIoError('write to', folder, error) : error;
}

/** Another mirror may have what this one has not, or has damaged. */
function isAboutOffer(error: unknown): error is BuildcacheError {
  const kinds = [MirrorError, IntegrityError, SignatureError, MetadataError, ArchiveError];
  return kinds.some((kind) => error instanceof kind);
}

/** What is wrong inside of a tarball is found without knowing where it came from. */
function namingTarball(error: BuildcacheError, location: string): BuildcacheError {
  if (error.message.includes(location) || 'location' in error.data) return error;
  return error.with({
    message: `${error.message} (in "${location}")`,
    data: { ...error.data, location },
  });
}
