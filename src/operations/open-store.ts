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
    projectPath: (node, spec, version) => projections(version).pathOf(node, spec),
    upstreams: config.upstreams,
    permissions: config.permissions,
    allowSetGroupId: config.allowSetGroupId,
    spackPrefix: config.spackPrefix,
    noLock: request.noLock ?? config.noLock,
    lockTimeouts: config.lockTimeouts,
  };
}

/** The projections by the version of the database: what is not configured is as the Spack that has such a database does it. */
function projectionsOf({ projections, hashLength }: StoreConfig): (version: number) => Projections {
  const common = hashLength === undefined ? {} : { hashLength };
  const make = (isSpack1: boolean) => {
    const options = { ...common, keepPlus: isSpack1 };
    if (projections !== undefined) return new Projections(projections, options);
    return isSpack1 ? Projections.defaultOfSpack1(options) : Projections.default(options);
  };
  const [older, newer] = [make(false), make(true)];
  return (version) => (version >= 8 ? newer : older);
}
