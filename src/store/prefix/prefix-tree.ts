// An installed prefix as it is on disk: its directories, files and links, each read once. Names are byte strings.
import { type BigIntStats, lstatSync, readdirSync, readlinkSync, type Stats } from 'node:fs';
import { fromLatin1 } from '../../core/bytes.js';
import { StoreError } from '../../core/errors.js';
import { compareNames } from '../../host/surrogate-escape.js';
import { systemErrorCode } from '../../host/system-error.js';
import { storeIoError } from '../store-io.js';

export type PrefixNode = PrefixDirectory | PrefixFile | PrefixLink;

export interface PrefixDirectory {
  readonly type: 'directory';
  /** Relative to the prefix; empty for the prefix itself. */
  readonly path: string;
  readonly name: string;
  /** Sorted by code point. Without pipes, sockets and devices. */
  readonly children: readonly PrefixNode[];
}

export interface PrefixFile {
  readonly type: 'file';
  readonly path: string;
  readonly name: string;
  readonly isExecutable: boolean;
  /** The same for all names of a file; undefined for a file with one name. */
  readonly inode: string | undefined;
}

export interface PrefixLink {
  readonly type: 'symlink';
  readonly path: string;
  readonly name: string;
  readonly isExecutable: boolean;
  readonly target: string;
}

/** The owner's execute bit, which decides the packed mode. */
const OWNER_EXECUTES = 0o100;

/**
 * Reads the tree of a prefix, without the contents of files.
 *
 * @param prefix - as a byte string.
 * @throws StoreError `store-io`; `prefix-changed` if something disappears while it is read.
 */
export function readPrefixTree(prefix: string): PrefixDirectory {
  return readDirectory(prefix, '', '');
}

function readDirectory(prefix: string, path: string, name: string): PrefixDirectory {
  const names = look(prefix, path, (location) => readdirSync(location, { encoding: 'latin1' }));
  const children: PrefixNode[] = [];
  for (const child of names.sort(compareNames)) {
    const node = readNode(prefix, path === '' ? child : `${path}/${child}`, child);
    if (node !== undefined) children.push(node);
  }
  return { type: 'directory', path, name, children };
}

function readNode(prefix: string, path: string, name: string): PrefixNode | undefined {
  const status = look(prefix, path, (location) => lstatSync(location));
  if (status.isDirectory()) return readDirectory(prefix, path, name);
  const isExecutable = (status.mode & OWNER_EXECUTES) !== 0;
  if (status.isSymbolicLink()) {
    const target = look(prefix, path, (location) => readlinkSync(location, { encoding: 'latin1' }));
    return { type: 'symlink', path, name, isExecutable, target };
  }
  if (!status.isFile()) return undefined;
  return { type: 'file', path, name, isExecutable, inode: inodeOf(prefix, path, status) };
}

/** Inode numbers may exceed the exact range of a JavaScript number. */
function inodeOf(prefix: string, path: string, status: Stats): string | undefined {
  if (status.nlink === 1) return undefined;
  const exact: BigIntStats = look(prefix, path, (location) => lstatSync(location, { bigint: true }));
  return `${exact.dev}:${exact.ino}`;
}

function look<Result>(prefix: string, path: string, operation: (location: Buffer) => Result): Result {
  const location = Buffer.from(fromLatin1(path === '' ? prefix : `${prefix}/${path}`));
  try {
    return operation(location);
  } catch (cause) {
    throw prefixReadError(location.toString('utf8'), cause);
  }
}

/** The error for a file of a prefix that cannot be read. */
export function prefixReadError(path: string, cause: unknown): Error {
  return systemErrorCode(cause) === 'ENOENT'
    ? prefixChanged(path, 'it no longer exists', cause)
    : storeIoError('read', path, cause);
}

/** The error for a prefix that changes while it is read. */
export function prefixChanged(path: string, state: string, cause?: unknown): StoreError {
  return new StoreError('prefix-changed', `Cannot read "${path}": ${state}`, {
    hint: 'Another process is changing the package: wait, or check that it is completely installed',
    retryable: true,
    cause,
    data: { path, state },
  });
}
