// The same installation by way of the public streams: each stage of its own, with the bytes that the core makes.
import type { WritableStream as WebWritableStream } from 'node:stream/web';
import type { RelocationEngine } from '../relocation/engine.js';
import { relocate } from '../relocation/relocate-stream.js';
import { readPlan } from '../relocation/stream-plan.js';
import { writeTree } from '../store/write-tree.js';
import { checksum } from '../stream/checksum.js';
import { decompress } from '../stream/gunzip-stream.js';
import type { Inflater } from '../stream/inflater.js';
import type { ArchiveEntry } from '../tar/archive-entry.js';
import { untar } from '../tar/untar.js';
import type { CommitRequest, PackagePlacement } from './place-package.js';
import type { TarballSource } from './tarball-source.js';

export interface StreamExtraction {
  readonly source: TarballSource;
  readonly placement: PackagePlacement;
  readonly engine: RelocationEngine;
  readonly inflater: Inflater;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Extracts and relocates a tarball through `checksum | decompress | untar | relocate | writeTree`, after a pass that makes the plan.
 * @throws as the stages do
 */
export async function extractThroughStreams({
  source,
  placement,
  engine,
  inflater,
  signal,
}: StreamExtraction): Promise<void> {
  const open = async (): Promise<ReadableStream<ArchiveEntry>> => {
    let bytes = await source.open();
    for (const { digest } of source.expected)
      bytes = bytes.pipeThrough(checksum({ algorithm: 'sha256', expected: digest }));
    return bytes.pipeThrough(decompress({ inflater })).pipeThrough(untar());
  };
  const plan = await readPlan(open, { ...placement.places, engine, source: source.location });
  const entries = (await open()).pipeThrough(relocate(plan, { engine }));
  await entries.pipeTo(writeTree(placement.tree), signal === undefined ? {} : { signal });
}

/**
 * Makes the sink that installs by itself: entries go to the stage, and when they end the package is planned, relocated and put in place.
 * @throws through the stream, everything that an installation may end in
 */
export function installEntries(
  placement: PackagePlacement,
  commit: CommitRequest,
): WebWritableStream<ArchiveEntry> {
  const sink = writeTree(placement.tree).getWriter();
  return new WritableStream<ArchiveEntry>(
    {
      write: (entry) => sink.write(entry),
      abort: (reason) => sink.abort(reason),
      async close() {
        await sink.close();
        const root = placement.settleRoot();
        placement.relocate(root);
        await placement.finishTree(root);
        await placement.commit(commit);
      },
    },
    { highWaterMark: 1 },
  );
}
