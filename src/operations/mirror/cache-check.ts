// The check of one build cache. Entries are read first, several at a time; then what they say is compared.
import type { PackageIndex } from '../../buildcache/index/package-index.js';
import { IntegrityError, MetadataError, MirrorError, SignatureError } from '../../core/errors.js';
import type { BuildCache, Trust } from '../../mirror/build-cache.js';
import type {
  AuditEntry,
  CacheAudit,
  ContentReference,
  IndexEntry,
  KeyEntry,
  KeyIndexEntry,
  PackageEntry,
  ReadPackage,
  StoredContent,
} from '../../mirror/cache-audit.js';
import { readNamedPublicKey } from '../../signature/keys/public-key.js';
import type { Spec } from '../../spec/spec.js';
import type { Decoders } from '../../stream/inflate/inflater.js';
import { readVerified } from '../../transport/read-verified.js';
import { withTarball } from '../fetch/with-tarball.js';
import { inParallel } from '../in-parallel.js';
import { NO_TRUST } from '../keys/trust.js';
import { contentsOf } from './audits.js';
import { type Findings, packageNameOf } from './findings.js';

export interface CacheCheckOptions {
  readonly layer: BuildCache;
  readonly audit: CacheAudit;
  readonly trust: Trust;
  readonly findings: Findings;
  readonly deep: boolean;
  readonly jobs: number;
  readonly engine: Decoders;
  readonly temporaryFolder: string;
  readonly signal: AbortSignal | undefined;
}

/** What there is of one kind of layout. */
export interface CheckedLayer {
  readonly layouts: CacheAudit['layouts'];
  readonly packages: number;
  readonly indexes: number;
  readonly keys: number;
  /** Blobs or tarballs, and their bytes. */
  readonly contents: number;
  readonly bytes: number;
}

/** A package that could be read. */
interface FoundPackage {
  readonly entry: PackageEntry;
  readonly spec: Spec;
}

interface FoundIndex {
  readonly entry: IndexEntry;
  readonly packages: PackageIndex;
}

export class CacheCheck {
  readonly #options: CacheCheckOptions;
  #contents: ReadonlyMap<string, StoredContent> = new Map();
  readonly #packages = new Map<string, FoundPackage>();
  readonly #hashes = new Set<string>();
  readonly #indexes: FoundIndex[] = [];
  readonly #keys = new Map<string, KeyEntry>();
  readonly #namedKeys: { entry: KeyIndexEntry; fingerprints: readonly string[] }[] = [];
  /** What must be hashed: the first that names it tells what it must be. */
  readonly #named = new Map<string, { reference: ContentReference; entry: AuditEntry }>();
  #counts = { packages: 0, indexes: 0, keys: 0 };

  constructor(options: CacheCheckOptions) {
    this.#options = options;
  }

  async run(): Promise<CheckedLayer> {
    const { audit, jobs, signal, deep } = this.#options;
    // Entries first: content is written before what names it.
    const entries: AuditEntry[] = [];
    for await (const entry of audit.entries({ signal })) entries.push(entry);
    this.#contents = await contentsOf(audit, signal);
    await inParallel({ items: entries, jobs, signal, work: (entry) => this.#read(entry) });
    this.#compareIndexes();
    this.#compareKeys();
    this.#findUnreferenced();
    if (deep) await this.#readContents();
    const contents = [...this.#contents.values()];
    const bytes = contents.reduce((sum, { size }) => sum + (size ?? 0), 0);
    return { layouts: audit.layouts, ...this.#counts, contents: contents.length, bytes };
  }

  async #read(entry: AuditEntry): Promise<void> {
    const { findings, signal } = this.#options;
    try {
      if (entry.kind === 'package') await this.#readPackage(entry);
      else if (entry.kind === 'index') await this.#readIndex(entry);
      else if (entry.kind === 'key') await this.#readKey(entry);
      else if (entry.kind === 'key index') await this.#readKeyIndex(entry);
      else if (!entry.isKnown)
        this.#note(entry, 'file-unknown', `"${entry.location}" is not a file of this layout`);
    } catch (error) {
      signal?.throwIfAborted();
      findings.addError(error, entry);
    }
  }

  async #readPackage(entry: PackageEntry): Promise<void> {
    const { signal } = this.#options;
    this.#counts.packages++;
    this.#hashes.add(entry.hash);
    const { references, spec: readSpec } = await this.#openPackage(entry);
    const isWhole = this.#checkReferences(entry, references);
    // A blob that is not there was told already.
    if (!isWhole && references.some(({ id, kind }) => kind === 'spec' && !this.#contents.has(id))) return;
    const spec = await readSpec({ signal });
    if (spec.root.hash !== entry.hash) throw wrongPackage(entry, spec);
    const other = this.#packages.get(entry.hash);
    if (other !== undefined)
      this.#note(
        entry,
        'package-twice',
        `"${entry.location}" and "${other.entry.location}" describe one package`,
      );
    this.#packages.set(entry.hash, { entry, spec });
    const isWrapped = references.some(({ sha256 }) => sha256 === undefined);
    if (isWrapped && isWhole && this.#options.deep) await this.#readWrapped(entry, spec);
  }

  /** Reports signatures that no trusted key made; their files are still compared with the others. */
  async #openPackage(entry: PackageEntry): Promise<ReadPackage> {
    const { trust, signal, findings } = this.#options;
    try {
      return await entry.read({ trust, signal });
    } catch (error) {
      if (!(error instanceof SignatureError) || !trust.isRequired) throw error;
      findings.addError(error, entry);
      return entry.read({ trust: NO_TRUST, signal });
    }
  }

  /** Layout 0: only what is inside says what it must be. */
  async #readWrapped(entry: PackageEntry, spec: Spec): Promise<void> {
    const { layer, trust, signal } = this.#options;
    const kind = entry.isSigned ? 'signed' : 'unsigned';
    const description = await layer.describe(spec, kind, { trust, signal });
    if ('absence' in description) throw description.absence;
    await withTarball({
      ...this.#options,
      spec,
      description,
      use: ({ tarball }) =>
        readVerified({ open: () => tarball.open({ signal }), sha256: tarball.sha256, signal }),
    });
  }

  async #readIndex(entry: IndexEntry): Promise<void> {
    this.#counts.indexes++;
    const { references, packages } = await entry.read({ signal: this.#options.signal });
    this.#checkReferences(entry, references);
    this.#indexes.push({ entry, packages });
  }

  async #readKey(entry: KeyEntry): Promise<void> {
    this.#counts.keys++;
    this.#keys.set(entry.fingerprint.toUpperCase(), entry);
    const { references, bytes } = await entry.read({ signal: this.#options.signal });
    this.#checkReferences(entry, references);
    await readNamedPublicKey(bytes, entry.fingerprint, entry.location);
  }

  async #readKeyIndex(entry: KeyIndexEntry): Promise<void> {
    const { references, fingerprints } = await entry.read({ signal: this.#options.signal });
    this.#checkReferences(entry, references);
    this.#namedKeys.push({ entry, fingerprints });
  }

  /** Whether everything that an entry names is there, with the size that it must have. */
  #checkReferences(entry: AuditEntry, references: readonly ContentReference[]): boolean {
    let isWhole = true;
    for (const reference of references) {
      if (!this.#named.has(reference.id)) this.#named.set(reference.id, { reference, entry });
      const problem = problemOf(reference, this.#contents.get(reference.id), entry);
      if (problem === undefined) continue;
      isWhole = false;
      this.#options.findings.addError(problem, reference);
    }
    return isWhole;
  }

  #compareIndexes(): void {
    const { findings } = this.#options;
    for (const { entry, packages } of this.#indexes) {
      for (const { hash, name } of packages.offered()) {
        const { location } = entry;
        if (!this.#hashes.has(hash))
          findings.add({
            severity: 'error',
            code: 'index-package-missing',
            location,
            message: `"${location}" offers "${name}/${hash}", which is not there`,
            hint: 'Update the index',
            package: { name, version: '', hash },
          });
      }
    }
    const own = this.#indexes.find(({ entry }) => entry.view === undefined);
    if (own === undefined) return;
    for (const { entry, spec } of this.#packages.values())
      if (!own.packages.offers(spec.root.hash))
        this.#note(entry, 'package-not-indexed', `"${own.entry.location}" does not offer this package`, spec);
  }

  #compareKeys(): void {
    const named = new Set<string>();
    for (const { entry, fingerprints } of this.#namedKeys) {
      for (const fingerprint of fingerprints) {
        named.add(fingerprint.toUpperCase());
        if (this.#keys.has(fingerprint.toUpperCase())) continue;
        const message = `"${entry.location}" names the key "${fingerprint}", which is not there`;
        const { location } = entry;
        this.#options.findings.add({ severity: 'error', code: 'key-missing-in-mirror', location, message });
      }
    }
    for (const [fingerprint, entry] of this.#keys)
      if (!named.has(fingerprint))
        this.#note(entry, 'key-not-indexed', `The index of keys does not name "${fingerprint}"`);
  }

  #findUnreferenced(): void {
    for (const content of this.#contents.values())
      if (!this.#named.has(content.id))
        this.#note(content, 'content-unreferenced', `Nothing that could be read names "${content.location}"`);
  }

  async #readContents(): Promise<void> {
    const { jobs, signal, findings } = this.#options;
    const work = async ({ reference }: { reference: ContentReference }): Promise<void> => {
      const { id, sha256, location } = reference;
      const content = this.#contents.get(id);
      // What is small was read, and verified, with the entry that names it.
      if (content === undefined || sha256 === undefined || reference.kind !== 'tarball') return;
      if (reference.size !== undefined && content.size !== reference.size) return;
      try {
        await readVerified({ open: () => content.open({ signal }), sha256, signal });
      } catch (error) {
        signal?.throwIfAborted();
        findings.addError(error, { location });
      }
    };
    await inParallel({ items: this.#named.values(), jobs: Math.min(jobs, 4), signal, work });
  }

  #note(
    { location }: { readonly location: string },
    code:
      | 'file-unknown'
      | 'package-twice'
      | 'package-not-indexed'
      | 'key-not-indexed'
      | 'content-unreferenced',
    message: string,
    spec?: Spec,
  ): void {
    this.#options.findings.add({
      severity: 'note',
      code,
      location,
      message,
      ...(spec !== undefined && { package: packageNameOf(spec) }),
    });
  }
}

function problemOf(
  { kind, location, size }: ContentReference,
  content: StoredContent | undefined,
  entry: AuditEntry,
): MirrorError | IntegrityError | undefined {
  if (content === undefined)
    return new MirrorError(
      'blob-missing',
      `Cannot find the ${kind} that "${entry.location}" names: "${location}" is not there`,
      { hint: 'Push the package again, or prune the mirror', data: { location } },
    );
  if (size === undefined || content.size === undefined || content.size === size) return undefined;
  return new IntegrityError(
    'size-mismatch',
    `Cannot use "${location}": it has ${content.size} bytes, "${entry.location}" says ${size}`,
    {
      hint: 'The file is damaged or was replaced: push it again',
      data: { location, expected: size, actual: content.size },
    },
  );
}

function wrongPackage({ location, hash }: PackageEntry, { root }: Spec): MetadataError {
  return new MetadataError(
    'wrong-package',
    `Cannot use "${location}": it describes "${root.name}/${root.hash}", not "${hash}"`,
    {
      hint: 'The file was renamed or replaced: push the package again',
      data: { location, expected: hash, actual: root.hash },
    },
  );
}
