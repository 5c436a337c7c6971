// `.spack/install_manifest.json`: the state of a package's files at installation, for `spack verify`. A manifest in the package is
// kept; a missing one is written as Spack writes it (`spack.verify.write_manifest`).
import { createHash } from 'node:crypto';
import { type BigIntStats, lstatSync, readdirSync, readlinkSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { base32 } from '../../core/base32.js';
import { replaceStoreFile, storeIo, storeIoError } from '../store-io.js';

export interface ManifestRequest {
  /** Where the files are now. */
  readonly folder: string;
  /** Where they will be: the paths of the manifest lie below it. */
  readonly prefix: string;
  /** Mode of the manifest. */
  readonly mode?: number;
  readonly signal?: AbortSignal | undefined;
}

/** Facts about one path; which there are depends on what is there. */
type ManifestEntry =
  | { readonly mode: number; readonly owner: number; readonly group: number }
  | { readonly mode: number; readonly owner: number; readonly group: number; readonly dest: string }
  | {
      readonly mode: number;
      readonly owner: number;
      readonly group: number;
      /** SHA-1 in upper-case base32. */
      readonly hash: string;
      /** Seconds since 1970. */
      readonly time: number;
      readonly size: number;
    };

/** Below the prefix. */
export const INSTALL_MANIFEST = join('.spack', 'install_manifest.json');
const CHUNK_SIZE = 1 << 20;
const SLASH = Buffer.from('/');

/**
 * Writes the manifest of a finished tree unless it has one. The tree must not change afterwards.
 *
 * @returns whether it was missing.
 * @throws StoreError `store-io`, `disk-full`.
 */
export async function ensureInstallManifest(request: ManifestRequest): Promise<boolean> {
  const path = join(request.folder, INSTALL_MANIFEST);
  if (storeIo('look at', path, () => lstatSync(path, { throwIfNoEntry: false })) !== undefined) return false;
  const content = formatManifest(await collectManifest(request));
  replaceStoreFile({ path, content, temporary: `${path}.${process.pid}.temp`, mode: request.mode ?? 0o644 });
  return true;
}

/** Compact JSON; a byte that is not valid UTF-8 becomes an escaped lone surrogate, as in Python. */
function formatManifest(entries: ReadonlyMap<string, ManifestEntry>): string {
  const fields = Array.from(entries, ([path, entry]) => `${JSON.stringify(path)}:${JSON.stringify(entry)}`);
  return `{${fields.join(',')}}`.replace(
    /[\u0080-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** The entries of every path below a folder, and of the folder itself last; symbolic links are not followed. */
async function collectManifest(request: ManifestRequest): Promise<Map<string, ManifestEntry>> {
  const entries = new Map<string, ManifestEntry>();
  const root = Buffer.from(request.folder);
  for (const relative of walk(root)) {
    request.signal?.throwIfAborted();
    const path = Buffer.concat([root, SLASH, relative]);
    entries.set(`${request.prefix}/${pythonText(relative)}`, await manifestEntry(path, request.signal));
  }
  entries.set(request.prefix, await manifestEntry(root, request.signal));
  return entries;
}

/** Names relative to the folder: the content of a directory before that of its subdirectories, each in byte order. */
function* walk(root: Buffer): Generator<Buffer> {
  const pending: Buffer[] = [Buffer.alloc(0)];
  for (let folder = pending.pop(); folder !== undefined; folder = pending.pop()) {
    const parent = folder;
    const folders: Buffer[] = [];
    for (const entry of list(Buffer.concat([root, SLASH, parent]))) {
      const relative = parent.length === 0 ? entry.name : Buffer.concat([parent, SLASH, entry.name]);
      if (entry.isFolder) folders.push(relative);
      yield relative;
    }
    pending.push(...folders.reverse());
  }
}

function list(folder: Buffer): { name: Buffer; isFolder: boolean }[] {
  return storeIo('list', folder.toString(), () =>
    readdirSync(folder, { withFileTypes: true, encoding: 'buffer' })
      .map((entry) => ({ name: entry.name as unknown as Buffer, isFolder: entry.isDirectory() }))
      .sort((a, b) => Buffer.compare(a.name, b.name)),
  );
}

async function manifestEntry(path: Buffer, signal: AbortSignal | undefined): Promise<ManifestEntry> {
  const stats = storeIo('look at', path.toString(), () => lstatSync(path, { bigint: true }));
  const facts = { mode: Number(stats.mode), owner: Number(stats.uid), group: Number(stats.gid) };
  if (stats.isSymbolicLink()) {
    const target = storeIo('read', path.toString(), () => readlinkSync(path, { encoding: 'buffer' }));
    return { ...facts, dest: pythonText(target) };
  }
  if (!stats.isFile()) return facts;
  return { ...facts, hash: await hashFile(path, signal), time: seconds(stats), size: Number(stats.size) };
}

/** Computed like Python's `st_mtime`, so that it compares equal there. */
function seconds({ mtimeNs }: BigIntStats): number {
  const fraction = ((mtimeNs % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
  const whole = (mtimeNs - fraction) / 1_000_000_000n;
  return Number(whole) + 1e-9 * Number(fraction);
}

async function hashFile(path: Buffer, signal: AbortSignal | undefined): Promise<string> {
  const hash = createHash('sha1');
  const chunk = Buffer.allocUnsafe(CHUNK_SIZE);
  try {
    const file = await open(path, 'r');
    try {
      for (;;) {
        signal?.throwIfAborted();
        const { bytesRead } = await file.read(chunk, 0, chunk.length);
        if (bytesRead === 0) break;
        hash.update(chunk.subarray(0, bytesRead));
      }
    } finally {
      await file.close();
    }
  } catch (cause) {
    signal?.throwIfAborted();
    throw storeIoError('read', path.toString(), cause);
  }
  return base32(hash.digest());
}

/** Text as Python reads file names: a byte that is not valid UTF-8 becomes the surrogate U+DC00 + byte (PEP 383). */
function pythonText(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; ) {
    const length = sequenceLength(bytes, at);
    const part = bytes.subarray(at, at + Math.max(1, length));
    text += length === 0 ? String.fromCharCode(0xdc00 + (part[0] ?? 0)) : Buffer.from(part).toString();
    at += part.length;
  }
  return text;
}

/** Length in bytes of the valid UTF-8 sequence at `at`; 0 if there is none. */
function sequenceLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at] ?? 0;
  const length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  const part = Buffer.from(bytes.subarray(at, at + length));
  const text = part.toString();
  return Buffer.from(text).equals(part) && [...text].length === 1 ? length : 0;
}
