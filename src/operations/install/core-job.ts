// Makes the plain data of a core's job from a store and a spec.
import type { RelocationRules } from '../../buildcache/relocation-rules.js';
import { toLatin1 } from '../../core/bytes.js';
import { formatSpecJson } from '../../spec/json/write-spec.js';
import type { Spec } from '../../spec/spec.js';
import { replacedNodes } from '../../spec/splice.js';
import { hashToPrefixOrder } from '../../spec/traverse.js';
import { groupId } from '../../store/prefix/group.js';
import type { Stage } from '../../store/staging/stage.js';
import type { Store } from '../../store/store.js';
import type { CoreJob } from './package-core.js';

export interface CoreJobRequest {
  readonly store: Store;
  readonly stage: Stage;
  readonly spec: Spec;
  readonly prefix: string;
  /** By which the package is relocated. */
  readonly rules: RelocationRules;
  readonly source: string;
  /** A symbolic link to the store's root, for C strings that have no room for that. */
  readonly aliasRoot?: string | undefined;
  /** Whether the dependencies may still be missing. */
  readonly isAhead?: boolean;
  /** Of a spliced spec: the spec that the tarball was made of. */
  readonly built?: Spec | undefined;
}

const ELF_PLATFORMS: ReadonlySet<string> = new Set(['linux', 'cray']);

/**
 * The job of installing a spec's root from a tarball.
 * @throws RelocationError `sbang-path-too-long`; UsageError `config`, `projection`
 */
export function coreJob(request: CoreJobRequest): CoreJob {
  const { store, stage, spec, prefix, rules, source, aliasRoot, isAhead = false, built } = request;
  const replaced = built && replacedNodes(spec, built);
  const permissions = store.permissionsOf(spec.root.name);
  return {
    packageName: spec.root.name,
    hash: spec.root.hash,
    builtHash: (built ?? spec).root.hash,
    treeFolder: stage.treeFolder,
    prefix,
    places: {
      newPrefix: latin1(prefix),
      newLayoutRoot: latin1(store.root),
      newSbangPath: latin1(store.sbangPath),
      newSpackPrefix: store.spackPrefix === undefined ? undefined : latin1(store.spackPrefix),
      newPrefixes: hashToPrefixOrder(spec, { order: rules.hashOrder }).map((node) => ({
        hash: replaced?.get(node.hash) ?? node.hash,
        prefix: latin1(node.hash === spec.root.hash ? prefix : store.prefixOf(node, spec)),
      })),
      rules,
      aliasRoot: aliasRoot === undefined ? undefined : latin1(aliasRoot),
    },
    projectionDepth: Math.max(1, prefix.split('/').length - store.root.split('/').length),
    sbangPath: store.sbangPath,
    permissions,
    groupId: permissions.group === undefined ? undefined : groupId(permissions.group),
    isElfPlatform: ELF_PLATFORMS.has(spec.root.arch.platform),
    source,
    isAhead,
    specJson: built && formatSpecJson(withNodesOf(spec, built)),
  };
}

/** The build spec is written down with the spliced one, wherever it was known from. */
function withNodesOf(spec: Spec, other: Spec): Spec {
  return { root: spec.root, nodes: new Map([...other.nodes, ...spec.nodes]) };
}

function latin1(path: string): string {
  return toLatin1(Buffer.from(path));
}
