// The contents of a store as one digest: engines that did the same work must have left the same bytes.
import { createHash, type Hash } from 'node:crypto';
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Left out, since they hold times: the database, and each package's install manifest. */
const RECORDS: readonly string[] = ['.spack-db', '.spack'];

/**
 * Names, modes, link targets and contents below a store's root, records aside. Where they contain the
 * root's path, only its length counts.
 */
export function storeDigest(root: string): string {
  const hash = createHash('sha256');
  addDirectory(hash, { root, path: '' });
  return hash.digest('hex');
}

interface Place {
  readonly root: string;
  readonly path: string;
}

function addDirectory(hash: Hash, { root, path }: Place): void {
  const entries = readdirSync(join(root, path), { withFileTypes: true });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const child = { root, path: `${path}/${entry.name}` };
    if (entry.isDirectory()) {
      if (!RECORDS.includes(entry.name)) addDirectory(hash, child);
    } else if (entry.isSymbolicLink())
      hash.update(`link ${child.path} ${readlinkSync(join(root, child.path)).replaceAll(root, '')}\n`);
    else if (entry.isFile()) addFile(hash, child);
  }
}

function addFile(hash: Hash, { root, path }: Place): void {
  const content = readFileSync(join(root, path));
  for (let at = content.indexOf(root); at >= 0; at = content.indexOf(root, at))
    content.fill(0, at, at + Buffer.byteLength(root));
  hash.update(`file ${path} ${statSync(join(root, path)).mode} ${content.length}\n`).update(content);
}
