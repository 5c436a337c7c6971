// The orders in which a push walks a prefix (FORMATS.md §3, §4): that of the tar archive, and those of the buildinfo lists.
import type { PrefixDirectory, PrefixFile, PrefixLink, PrefixNode } from './prefix-tree.js';

/** Files below directories with these names are not relocated. */
const UNLISTED: ReadonlySet<string> = new Set(['.spack', 'man']);

/** Each directory before its content: first its files and links, then its subdirectories. */
export function tarOrder(root: PrefixDirectory): PrefixNode[] {
  const nodes: PrefixNode[] = [];
  const pending = [root];
  for (let folder = pending.pop(); folder !== undefined; folder = pending.pop()) {
    nodes.push(folder);
    const folders: PrefixDirectory[] = [];
    for (const child of folder.children) {
      if (child.type === 'directory') folders.push(child);
      else nodes.push(child);
    }
    pending.push(...folders.reverse());
  }
  return nodes;
}

/** Depth first, files and directories interleaved by name; a file with several names appears once. */
export function listedOrder(root: PrefixDirectory): (PrefixFile | PrefixLink)[] {
  const nodes: (PrefixFile | PrefixLink)[] = [];
  const seen = new Set<string>();
  const pending: PrefixNode[] = [...root.children].reverse();
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    if (node.type === 'directory') {
      if (!UNLISTED.has(node.name)) pending.push(...[...node.children].reverse());
      continue;
    }
    const inode = node.type === 'file' ? node.inode : undefined;
    if (inode === undefined || !seen.has(inode)) nodes.push(node);
    if (inode !== undefined) seen.add(inode);
  }
  return nodes;
}

/**
 * In the order of the tar archive, as Spack 1.x lists it: a file with several names by the first of them; files of the package's own
 * `.spack` are left out, links there are not.
 */
export function listedTarOrder(root: PrefixDirectory): (PrefixFile | PrefixLink)[] {
  const nodes: (PrefixFile | PrefixLink)[] = [];
  const seen = new Set<string>();
  for (const node of tarOrder(root)) {
    if (node.type === 'symlink') nodes.push(node);
    if (node.type !== 'file') continue;
    const isOther = node.inode !== undefined && seen.has(node.inode);
    if (node.inode !== undefined) seen.add(node.inode);
    if (!isOther && node.path.split('/', 1)[0] !== '.spack') nodes.push(node);
  }
  return nodes;
}
