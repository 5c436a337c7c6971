// A sink that writes entries into a staged tree.
import { WritableStream } from 'node:stream/web';
import type { ArchiveEntry } from '../../tar/archive-entry.js';
import type { StagedTree } from './staged-tree.js';

/**
 * Makes the stream that writes the entries of one archive.
 * @throws ArchiveError through the stream for members that must not be written; file errors
 */
export function writeTree(tree: StagedTree): WritableStream<ArchiveEntry> {
  return new WritableStream<ArchiveEntry>(
    {
      async write(item) {
        const { entry, bytes, isChanged } = item;
        tree.beginEntry(entry);
        if (bytes !== undefined) tree.write(bytes);
        else for await (const chunk of item.body) tree.write(chunk);
        tree.endEntry({ changed: isChanged?.() ?? false });
      },
      abort: () => tree.abandon(),
    },
    { highWaterMark: 1 },
  );
}
