// The same installation by way of the public streams: each stage of its own, with the bytes that the core makes.
import type { WritableStream as WebWritableStream } from 'node:stream/web';
import type { RelocationKernels } from '../../relocation/engine.js';
import { relocate } from '../../relocation/streams/relocate-stream.js';
import { readPlan } from '../../relocation/streams/stream-plan.js';
import { writeTree } from '../../store/staging/write-tree.js';
import { checksum } from '../../stream/checksum.js';
import { decompress } from '../../stream/gunzip-stream.js';
import type { Inflater } from '../../stream/inflate/inflater.js';
import type { ArchiveEntry } from '../../tar/archive-entry.js';
import { untar } from '../../tar/untar.js';
import type { TarballSource } from '../fetch/tarball-source.js';
import type { CoreResult, PackageCore } from './package-core.js';

export interface StreamExtraction {
  readonly source: TarballSource;
  readonly core: PackageCore;
  readonly engine: RelocationKernels;
  readonly inflater: Inflater;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Extracts and relocates a tarball through `checksum | decompress | untar | relocate | writeTree`, after a pass that makes the plan.
 * @throws as the stages do
 */
export async function extractThroughStreams({
  source,
  core,
  engine,
  inflater,
  signal,
}: StreamExtraction): Promise<void> {
  const open = async (): Promise<ReadableStream<ArchiveEntry>> => {
    let bytes = (await source.open()).body;
    for (const { digest } of source.expected)
      bytes = bytes.pipeThrough(checksum({ algorithm: 'sha256', expected: digest }));
    return bytes.pipeThrough(decompress({ inflater })).pipeThrough(untar());
  };
  const plan = await readPlan(open, { ...core.job.places, engine, source: source.location });
  const entries = (await open()).pipeThrough(relocate(plan, { engine }));
  await entries.pipeTo(writeTree(core.tree), signal === undefined ? {} : { signal });
}

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
