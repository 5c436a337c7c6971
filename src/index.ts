// The public names of regraft. Everything else may change without notice.

// Specs and the files of a build cache
export { type Buildinfo, parseBuildinfo } from './buildcache/buildinfo/buildinfo.js';
export { type PackageIndex, parsePackageIndex } from './buildcache/index/package-index.js';
export { parseSpecfile, type Specfile } from './buildcache/specfile/specfile.js';
export { type ByteSource, type Edit, sourceOfBytes } from './core/byte-source.js';
export {
  ArchiveError,
  BuildcacheError,
  type ErrorCode,
  IntegrityError,
  MetadataError,
  MirrorError,
  RelocationError,
  SignatureError,
  StoreError,
  UsageError,
} from './core/errors.js';
export type { OnProgress, OperationOptions, ProgressEvent } from './core/progress.js';
export type { BuildCache, Mirror, PackageDescription, Publisher } from './mirror/build-cache.js';
// Mirrors, signatures, stores
export { defaultIndexCacheFolder } from './mirror/index/index-cache.js';
export { IndexClient } from './mirror/index/index-client.js';
export type { PackageCatalog } from './mirror/index/package-catalog.js';
export { type OpenMirrorOptions, openMirror } from './mirror/open-mirror.js';
export { download } from './operations/fetch/download.js';
export { type InstallReport, install } from './operations/install/install.js';
export type { InstallRequest } from './operations/install/install-request.js';
export { installEntries } from './operations/install/install-stream.js';
export { type CoreJob, type CoreResult, PackageCore } from './operations/install/package-core.js';
export type { PackageReport } from './operations/install/package-report.js';
export { fetchKeys } from './operations/keys/keys.js';
export { publishKeys } from './operations/keys/publish-keys.js';
export { type SyncReport, syncMirror } from './operations/mirror/sync/sync-mirror.js';
export type { SyncRequest } from './operations/mirror/sync/synchronization.js';
export { openStore, openStoreForWriting } from './operations/open-store.js';
export { indexMirror } from './operations/publish/index-mirror.js';
export { push } from './operations/publish/push.js';
export { selectPackages } from './operations/publish/select-packages.js';
export { type ViewMode, writeView } from './operations/publish/write-view.js';
// Operations
export { checkSpecs } from './operations/query/check.js';
export { type FoundPackage, findPackages } from './operations/query/find.js';
export { type ListedPackage, listPackages } from './operations/query/list.js';
export { resolveSpecs } from './operations/query/resolve-specs.js';
export { relocateAnyTree } from './operations/relocate/relocate-any-tree.js';
// Relocation
export type { PrefixMapping, RelocationEngine, RelocationKernels } from './relocation/engine.js';
export { type EngineChoice, type SelectedEngine, selectEngine } from './relocation/engines/select.js';
export { makePlan, type PlanInput, type RelocationPlan } from './relocation/plan/plan.js';
export { relocate } from './relocation/streams/relocate-stream.js';
export { readPlan, type StreamPlan } from './relocation/streams/stream-plan.js';
export { extractClearsigned, verifyClearsigned } from './signature/clearsign/clearsign.js';
export { defaultTrustedKeysFolder, Keyring } from './signature/keys/keyring.js';
export { makeSigner } from './signature/make-signer.js';
export { describeNode } from './spec/describe.js';
export { parseLockfile } from './spec/json/lockfile.js';
export type { DagHash, Spec, SpecNode } from './spec/spec.js';
export { ensureAlias } from './store/root/alias-root.js';
export { Stage } from './store/staging/stage.js';
export { StagedTree } from './store/staging/staged-tree.js';
export { writeTree } from './store/staging/write-tree.js';
export type { Store } from './store/store.js';
// Byte streams
export { checksum } from './stream/checksum.js';
export { decompress, gunzip } from './stream/gunzip-stream.js';
// Byte streams
export type { Decoders } from './stream/inflate/inflater.js';
export { rechunk } from './stream/rechunk.js';
// Archives
export { type ArchiveEntry, forEachEntry } from './tar/archive-entry.js';
export type { TarEntry, TarEntryType } from './tar/entry.js';
export { untar } from './tar/untar.js';
// Objects by name
export type { ObjectStore, OpenedObject } from './transport/object-store.js';
export { openObjectStore } from './transport/open-store.js';
