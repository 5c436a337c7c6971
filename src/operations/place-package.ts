// From a staged tree to an installed package: relocation, hooks, the manifest, then the one rename and the record.
import { parseBuildinfo } from '../buildcache/buildinfo.js';
import { BUILDINFO_PATH, findPackageRoot } from '../buildcache/package-root.js';
import { toLatin1 } from '../core/bytes.js';
import { MetadataError } from '../core/errors.js';
import type { RelocationEngine } from '../relocation/engine.js';
import { makePlan, type PlanInput } from '../relocation/plan.js';
import type { Spec } from '../spec/spec.js';
import { hashToPrefixOrder } from '../spec/traverse.js';
import { groupId } from '../store/group.js';
import { ensureInstallManifest } from '../store/install-manifest.js';
import { fileMode, type PermissionPolicy } from '../store/permissions.js';
import { PrefixView } from '../store/prefix-view.js';
import { SHEBANG_LIMIT } from '../store/sbang.js';
import type { Stage } from '../store/stage.js';
import { StagedTree } from '../store/staged-tree.js';
import type { Store } from '../store/store.js';
import type { SafePath } from '../tar/safe-path.js';
import { type HookCounts, runInstallHooks } from './install-hooks.js';
import { type RelocationCounts, relocateTree } from './relocate-tree.js';

export interface PlacementRequest {
  readonly store: Store;
  readonly stage: Stage;
  readonly spec: Spec;
  readonly prefix: string;
  readonly engine: RelocationEngine;
  /** Where the metadata came from, for messages. */
  readonly source: string;
  readonly layoutVersion: number;
  readonly onWarning: (message: string) => void;
  readonly signal?: AbortSignal | undefined;
}

export interface CommitRequest {
  readonly explicit: boolean;
  readonly force: boolean;
  /** Resolves when it is this package's turn to appear. */
  readonly turn?: (() => Promise<void>) | undefined;
}

const ELF_PLATFORMS: ReadonlySet<string> = new Set(['linux', 'cray']);

/** One package on its way from its stage to its prefix. */
export class PackagePlacement {
  /** Entries go here. */
  readonly tree: StagedTree;
  readonly #request: PlacementRequest;
  readonly #policy: PermissionPolicy;

  constructor(request: PlacementRequest) {
    this.#request = request;
    this.#policy = request.store.permissionsOf(request.spec.root.name);
    this.tree = new StagedTree({
      folder: request.stage.treeFolder,
      keep: `/${BUILDINFO_PATH}`,
      fileMode: (mode) => fileMode(this.#policy, mode),
    });
  }

  /** Everything about the new place that a plan needs. */
  get places(): Omit<PlanInput, 'buildinfo'> {
    const { store, spec, prefix, layoutVersion } = this.#request;
    const newPrefixes = hashToPrefixOrder(spec).map((node) => ({
      hash: node.hash,
      prefix: latin1(node.hash === spec.root.hash ? prefix : store.prefixOf(node, spec)),
    }));
    return {
      newPrefix: latin1(prefix),
      newLayoutRoot: latin1(store.root),
      newSbangPath: latin1(store.sbangPath),
      newSpackPrefix: store.spackPrefix === undefined ? undefined : latin1(store.spackPrefix),
      newPrefixes,
      layoutVersion,
    };
  }

  /** Finds the package's root once all entries are there. */
  settleRoot(): SafePath {
    const root = findPackageRoot(this.tree.members);
    this.tree.rootAt(root);
    return root;
  }

  /** Plans by the buildinfo of the tree, and relocates what it lists. */
  relocate(root: SafePath): RelocationCounts {
    const { spec, source, engine, onWarning } = this.#request;
    const bytes = this.tree.kept.get(`${root}/${BUILDINFO_PATH}` as SafePath);
    if (bytes === undefined) {
      throw new MetadataError(
        'metadata-too-large',
        `Cannot read the buildinfo of "${spec.root.name}": it is too large`,
      );
    }
    const buildinfo = parseBuildinfo(bytes, `${source} (${BUILDINFO_PATH})`);
    const plan = makePlan({ ...this.places, buildinfo });
    return relocateTree({ tree: this.tree, root, plan, engine, onWarning });
  }

  /** What the install hooks do, and the manifest. Nothing may change in the tree afterwards. */
  async finishTree(root: SafePath): Promise<HookCounts> {
    const { store, spec, stage, prefix, signal } = this.#request;
    const isElfPlatform = ELF_PLATFORMS.has(spec.root.arch.platform);
    const counts = runInstallHooks({
      tree: this.tree,
      root,
      view: isElfPlatform ? new PrefixView(latin1(prefix), latin1(stage.treeFolder)) : undefined,
      sbang: { sbangPath: Buffer.from(store.sbangPath), limit: SHEBANG_LIMIT },
      permissions: this.#policy,
      groupId: this.#policy.group === undefined ? undefined : groupId(this.#policy.group),
    });
    await ensureInstallManifest({
      folder: stage.treeFolder,
      prefix,
      mode: fileMode(this.#policy, 0o644),
      signal,
    });
    return counts;
  }

  /** Makes the package appear and records it; when either fails, everything is as before. */
  async commit({ explicit, force, turn }: CommitRequest): Promise<void> {
    const { store, stage, spec, prefix, signal } = this.#request;
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
}

function latin1(path: string): string {
  return toLatin1(Buffer.from(path));
}
