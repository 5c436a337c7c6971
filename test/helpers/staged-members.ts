// Stages members that are named in code, and compares what the tree says with what is on disk.
import assert from 'node:assert/strict';
import { lstatSync, mkdirSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fromLatin1 } from '../../src/core/bytes.js';
import { StagedTree, type StagedTreeOptions } from '../../src/store/staging/staged-tree.js';
import type { TarEntryType } from '../../src/tar/entry.js';
import { isWithin, type SafePath } from '../../src/tar/safe-path.js';

export interface MemberOf {
  readonly path: string;
  readonly type?: TarEntryType;
  readonly body?: string | Uint8Array;
  readonly mode?: number;
  readonly mtime?: number;
  readonly link?: string;
}

export const folder = (path: string): MemberOf => ({ path, type: 'directory' });
export const file = (path: string, body: string | Uint8Array = path, mode = 0o644): MemberOf => ({
  path,
  body,
  mode,
});
export const symlink = (path: string, link: string): MemberOf => ({ path, type: 'symlink', link });
export const hardlink = (path: string, link: string): MemberOf => ({ path, type: 'hardlink', link });

/** A tree in a new folder below `parent`. */
export function newTree(parent: string, options: Partial<StagedTreeOptions> = {}): StagedTree {
  const treeFolder = join(parent, 'tree');
  mkdirSync(treeFolder);
  return new StagedTree({
    folder: treeFolder,
    keep: '/.spack/binary_distribution',
    fileMode: (mode) => mode,
    ...options,
  });
}

/** Adds members; bodies come in pieces of `pieceSize`. */
export function addMembers(tree: StagedTree, members: readonly MemberOf[], pieceSize = 1 << 20): void {
  for (const member of members) addMember(tree, member, pieceSize);
}

export function addMember(tree: StagedTree, member: MemberOf, pieceSize = 1 << 20): void {
  const { path, type = 'file', body = '', mode = 0o755, mtime = 0, link } = member;
  const bytes = typeof body === 'string' ? Buffer.from(body, 'latin1') : body;
  tree.beginEntry({ path, type, mode, mtime, size: bytes.length, linkPath: link });
  for (let at = 0; at < bytes.length; at += pieceSize) tree.write(bytes.slice(at, at + pieceSize));
  tree.endEntry();
}

/** Every path below a folder, as latin1 bytes, sorted. */
export function pathsBelow(top: string): string[] {
  const found: string[] = [];
  const walk = (below: string) => {
    const location = fromLatin1(below === '' ? top : `${top}/${below}`) as Buffer;
    for (const entry of readdirSync(location, { withFileTypes: true, encoding: 'latin1' })) {
      const path = below === '' ? entry.name : `${below}/${entry.name}`;
      found.push(path);
      if (entry.isDirectory()) walk(path);
    }
  };
  walk('');
  return found.sort();
}

/** What the tree says of every member below `root` is so on disk, and nothing else is there. */
export function checkTree(tree: StagedTree, treeFolder: string, root: string): void {
  const inodes = new Map<number, number>();
  const expected: string[] = [];
  for (const [path, member] of tree.members) {
    if (!isWithin(path, root)) continue;
    if (path !== root) expected.push(path.slice(root === '' ? 0 : root.length + 1));
    const status = lstatSync(tree.locate(path));
    if (member.kind === 'directory') assert.ok(status.isDirectory(), path);
    else if (member.kind === 'symlink')
      assert.equal(readlinkSync(tree.locate(path), { encoding: 'latin1' }), member.target, path);
    else {
      assert.ok(status.isFile(), path);
      assert.equal(status.size, member.size, path);
      assert.equal(status.mode & 0o7777, member.mode, path);
      const inode = inodes.get(member.inode) ?? status.ino;
      assert.equal(status.ino, inode, `${path} has the inode of its group`);
      inodes.set(member.inode, inode);
    }
  }
  assert.equal(new Set(inodes.values()).size, inodes.size, 'groups do not share an inode');
  assert.deepEqual(pathsBelow(treeFolder), expected.sort());
}

export function safe(path: string): SafePath {
  return path as SafePath;
}
