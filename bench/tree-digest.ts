// What stands below a folder as one digest, so that different ways to extract or install can be compared.
import { createHash } from 'node:crypto';
import { type Dirent, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';

export interface TreeDigestOptions {
  /** Root of the store that files name: each place where it stands counts as the same text of its length. */
  readonly root?: string;
  /** Names that are left out, at any depth. */
  readonly without?: readonly string[];
}

/** Names, executable bits, link targets and contents. */
export function treeDigest(folder: string, { root, without = [] }: TreeDigestOptions = {}): string {
  const hash = createHash('sha256');
  const roots =
    root === undefined ? undefined : { old: Buffer.from(root), fixed: Buffer.alloc(root.length, 'R') };
  for (const { path, name, entry } of walk(folder, '', new Set(without))) {
    if (entry.isSymbolicLink()) {
      hash.update(`link ${name} ${maskText(readlinkSync(path), root)}\n`);
    } else if (entry.isFile()) {
      const content = readFileSync(path);
      if (roots !== undefined) mask(content, roots.old, roots.fixed);
      const isExecutable = (statSync(path).mode & 0o100) !== 0;
      hash.update(`file ${name} ${isExecutable} ${content.length}\n`).update(content);
    }
  }
  return hash.digest('hex');
}

/** How many files there are and how many bytes they have: a fraction of the work of a digest. */
export function treeSize(folder: string, { without = [] }: TreeDigestOptions = {}): string {
  let files = 0;
  let bytes = 0;
  for (const { path, entry } of walk(folder, '', new Set(without))) {
    files++;
    if (entry.isFile()) bytes += statSync(path).size;
  }
  return `${files} files, ${bytes} bytes`;
}

interface WalkedEntry {
  readonly path: string;
  readonly name: string;
  readonly entry: Dirent;
}

/** Everything but folders, in one order everywhere. */
function* walk(folder: string, name: string, without: ReadonlySet<string>): Generator<WalkedEntry> {
  const entries = readdirSync(folder, { withFileTypes: true });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (without.has(entry.name)) continue;
    const each = { path: join(folder, entry.name), name: `${name}/${entry.name}`, entry };
    if (entry.isDirectory()) yield* walk(each.path, each.name, without);
    else yield each;
  }
}

function mask(content: Buffer, old: Buffer, fixed: Buffer): void {
  for (let at = content.indexOf(old); at >= 0; at = content.indexOf(old, at + old.length))
    fixed.copy(content, at);
}

function maskText(text: string, root: string | undefined): string {
  return root === undefined ? text : text.replaceAll(root, 'R'.repeat(root.length));
}
