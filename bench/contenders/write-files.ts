// The cost of the file system: files of one size, created one after another in the same way as the core does. Nothing is read or computed.
import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Contender } from '../case.js';
import { treeSize } from '../tree-digest.js';

export interface FileSet {
  readonly files: number;
  /** Size of each in bytes. */
  readonly size: number;
}

/** Files per folder, as in packages. */
const PER_FOLDER = 200;
/** Bytes written at a time, as many as a decoder emits. */
const CHUNK = 512 * 1024;

export function fileWriter(name: string, { files, size }: FileSet): Contender {
  return {
    name,
    async open() {
      const bytes = Buffer.alloc(CHUNK, 'regraft');
      return {
        async run({ folder }) {
          const cpuBefore = process.cpuUsage();
          const begin = performance.now();
          for (let i = 0; i < files; i++) writeOne(pathOf(folder, i), { bytes, size });
          const wall = performance.now() - begin;
          const { user, system } = process.cpuUsage(cpuBefore);
          const expected = `${files} files, ${files * size} bytes`;
          const verify = () => ({ kind: `files of ${name}`, digest: treeSize(folder), expected });
          return { sample: { wall, cpu: (user + system) / 1000 }, verify };
        },
      };
    },
  };
}

function pathOf(folder: string, index: number): string {
  const parent = join(folder, `part${Math.floor(index / PER_FOLDER)}`);
  if (index % PER_FOLDER === 0) mkdirSync(parent);
  return join(parent, `file${index}`);
}

function writeOne(path: string, { bytes, size }: { readonly bytes: Buffer; readonly size: number }): void {
  const file = openSync(path, 'wx', 0o644);
  for (let left = size; left > 0; left -= CHUNK) writeSync(file, bytes, 0, Math.min(left, CHUNK));
  closeSync(file);
}
