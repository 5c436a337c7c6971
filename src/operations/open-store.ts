// Opens the store of a command, with its configured projections.
import { Projections } from '../spec/projection.js';
import { Store, type StoreOptions } from '../store/store.js';
import { resolveStoreConfig, type StoreConfig, type StoreConfigRequest } from '../store/store-config.js';

export interface OpenStoreRequest extends StoreConfigRequest {
  /** Write without the locks that exclude a Spack on the same tree. */
  readonly noLock?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Opens a store to install into; creates it if it does not exist.
 * @throws StoreError, UsageError `config`, `padding`, `projection`
 */
export function openStoreForWriting(request: OpenStoreRequest): Promise<Store> {
  return Store.openForWriting(storeOptions(request), { signal: request.signal });
}

/**
 * Opens an existing store for reading.
 * @throws StoreError, UsageError `config`, `padding`, `projection`
 */
export function openStore(request: OpenStoreRequest): Store {
  return Store.open(storeOptions(request));
}

function storeOptions(request: OpenStoreRequest): StoreOptions {
  const config = resolveStoreConfig(request);
  const projections = projectionsOf(config);
  return {
    root: config.root,
    unpaddedRoot: config.unpaddedRoot,
    projectPath: (node, spec) => projections.pathOf(node, spec),
    upstreams: config.upstreams,
    permissions: config.permissions,
    allowSetGroupId: config.allowSetGroupId,
    spackPrefix: config.spackPrefix,
    noLock: request.noLock ?? config.noLock,
    lockTimeouts: config.lockTimeouts,
  };
}

function projectionsOf({ projections, hashLength }: StoreConfig): Projections {
  const options = hashLength === undefined ? {} : { hashLength };
  return projections === undefined ? Projections.default(options) : new Projections(projections, options);
}
