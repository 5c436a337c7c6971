// The content of a folder as one digest, so that different ways to extract or install can be compared.
import { createHash } from 'node:crypto';
import { type Dirent, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';

export interface TreeDigestOptions {
  /** Root of the store that files name: every occurrence counts as the same text of its length. */
  readonly root?: string;
  /** Names that are left out, at any depth. */
  readonly without?: readonly string[];
}

/** A file or link of a tree, from any source. */
export interface TreeLeaf {
  /** From the top of the tree, with a leading `/`. */
  readonly name: string;
  readonly content: Uint8Array | { readonly target: string };
  readonly isExecutable: boolean;
}

/** Names, executable bits, link targets and contents. */
export function treeDigest(folder: string, { root, without = [] }: TreeDigestOptions = {}): string {
  const lines: string[] = [];
  for (const { path, name, entry } of walk(folder, '', new Set(without))) {
    const leaf = { name, isExecutable: false };
    if (entry.isSymbolicLink()) {
      const target = readlinkSync(path);
      lines.push(
        leafLine({ ...leaf, content: { target: root === undefined ? target : maskText(target, root) } }),
      );
    } else if (entry.isFile()) {
      const content = readFileSync(path);
      if (root !== undefined) maskBytes(content, root);
      lines.push(leafLine({ ...leaf, content, isExecutable: (statSync(path).mode & 0o100) !== 0 }));
    }
  }
  return digestOfLines(lines);
}

/** A leaf as the digest sees it. */
export function leafLine({ name, content, isExecutable }: TreeLeaf): string {
  if ('target' in content) return `link ${name} ${content.target}`;
  const digest = createHash('sha256').update(content).digest('hex');
  return `file ${name} ${isExecutable} ${content.length} ${digest}`;
}

/** The digest of a tree from the lines of its leaves, in any order. */
export function digestOfLines(lines: readonly string[]): string {
  return createHash('sha256')
    .update([...lines].sort().join('\n'))
    .digest('hex');
}

/** The number of files and their total size: a fraction of the work of a digest. */
export function treeSize(folder: string, { without = [] }: TreeDigestOptions = {}): string {
  let files = 0;
  let bytes = 0;
  for (const { path, entry } of walk(folder, '', new Set(without))) {
    files++;
    if (entry.isFile()) bytes += statSync(path).size;
  }
  return sizeText(files, bytes);
}

/** In the format of `treeSize`. */
export function sizeText(files: number, bytes: number): string {
  return `${files} files, ${bytes} bytes`;
}

interface WalkedEntry {
  readonly path: string;
  readonly name: string;
  readonly entry: Dirent;
}

/** Everything except folders. */
function* walk(folder: string, name: string, without: ReadonlySet<string>): Generator<WalkedEntry> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (without.has(entry.name)) continue;
    const each = { path: join(folder, entry.name), name: `${name}/${entry.name}`, entry };
    if (entry.isDirectory()) yield* walk(each.path, each.name, without);
    else yield each;
  }
}

/** The replacement for a root of this length. */
export function maskOf(root: string): string {
  return 'R'.repeat(root.length);
}

function maskBytes(content: Buffer, root: string): void {
  const [old, fixed] = [Buffer.from(root), Buffer.from(maskOf(root))];
  for (let at = content.indexOf(old); at >= 0; at = content.indexOf(old, at + old.length))
    fixed.copy(content, at);
}

function maskText(text: string, root: string): string {
  return text.replaceAll(root, maskOf(root));
}
