// The end of the public streams: a sink that makes a finished tree of a package's entries.
import type { WritableStream as WebWritableStream } from 'node:stream/web';
import { writeTree } from '../../store/staging/write-tree.js';
import type { ArchiveEntry } from '../../tar/archive-entry.js';
import type { CoreResult, PackageCore } from './package-core.js';

/** The sink of `installEntries`. */
export interface InstallEntriesStream {
  readonly writable: WebWritableStream<ArchiveEntry>;
  /** What was done; rejects like the stream. */
  readonly result: Promise<CoreResult>;
}

/**
 * Makes the sink that installs by itself: entries go to the core's stage, and when they end the package is planned by its own
 * buildinfo, relocated, and finished by the hooks. What is left is to put it in place (`Store.commit`, `Store.register`).
 * @throws through the stream: ArchiveError, MetadataError, RelocationError, StoreError
 */
export function installEntries(core: PackageCore): InstallEntriesStream {
  const sink = writeTree(core.tree).getWriter();
  let settle: (result: Promise<CoreResult>) => void = () => {};
  const result = new Promise<CoreResult>((resolve) => {
    settle = resolve;
  });
  result.catch(() => {}); // who only pipes learns of a failure from the pipe
  const writable = new WritableStream<ArchiveEntry>(
    {
      write: (entry) => sink.write(entry),
      async abort(reason) {
        settle(Promise.reject(reason));
        await sink.abort(reason);
      },
      async close() {
        await sink.close();
        settle(core.complete());
        await result;
      },
    },
    { highWaterMark: 1 },
  );
  return { writable, result };
}
