// Describes a tree the way the goldens' manifests do: one record per path, sorted bytewise.
import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync, type Stats } from 'node:fs';
import { fromLatin1 } from '../../src/core/bytes.js';

export interface ManifestRecord {
  readonly path: string | null;
  readonly path_hex?: string;
  readonly type: 'dir' | 'file' | 'symlink' | 'other';
  readonly mode: string;
  readonly size?: number;
  readonly sha256?: string;
  readonly mtime0?: boolean;
  readonly hardlink?: string;
  readonly target?: string;
}

/** Every path below `root`, and `root` itself as ".". */
export function treeManifest(root: string): ManifestRecord[] {
  const paths = ['.', ...walk(root, '')].sort((a, b) => Buffer.compare(fromLatin1(a), fromLatin1(b)));
  const firstNames = new Map<string, string>();
  return paths.map((path) => describe(root, path, firstNames));
}

function* walk(root: string, folder: string): Generator<string> {
  const entries = readdirSync(bytes(folder === '' ? root : `${root}/${folder}`), {
    withFileTypes: true,
    encoding: 'latin1',
  });
  for (const entry of entries) {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    yield path;
    if (entry.isDirectory()) yield* walk(root, path);
  }
}

function describe(root: string, path: string, firstNames: Map<string, string>): ManifestRecord {
  const location = bytes(`${root}/${path}`);
  const status = lstatSync(location);
  const base = { ...nameOf(path), mode: (status.mode & 0o7777).toString(8).padStart(4, '0') };
  if (status.isDirectory()) return { ...base, type: 'dir' };
  if (status.isSymbolicLink())
    return { ...base, type: 'symlink', target: utf8(readlinkSync(location, 'latin1')) };
  if (!status.isFile()) return { ...base, type: 'other' };
  return { ...base, type: 'file', ...fileFacts(location, path, status, firstNames) };
}

function fileFacts(location: Buffer, path: string, status: Stats, firstNames: Map<string, string>) {
  const content = readFileSync(location);
  const inode = `${status.dev}:${status.ino}`;
  if (status.nlink > 1 && !firstNames.has(inode)) firstNames.set(inode, utf8(path));
  const hardlink = firstNames.get(inode);
  return {
    size: content.length,
    sha256: createHash('sha256').update(content).digest('hex'),
    mtime0: status.mtimeMs === 0,
    ...(hardlink === undefined ? {} : { hardlink }),
  };
}

function nameOf(path: string): Pick<ManifestRecord, 'path' | 'path_hex'> {
  const raw = Buffer.from(fromLatin1(path));
  const text = raw.toString('utf8');
  return Buffer.from(text, 'utf8').equals(raw)
    ? { path: text }
    : { path: null, path_hex: raw.toString('hex') };
}

function utf8(text: string): string {
  return Buffer.from(fromLatin1(text)).toString('utf8');
}

function bytes(path: string): Buffer {
  return Buffer.from(fromLatin1(path));
}
