// The same extraction by way of the public streams, for comparison: the same bytes, in two passes.
import { relocate } from '../../relocation/streams/relocate-stream.js';
import { readPlan } from '../../relocation/streams/stream-plan.js';
import { writeTree } from '../../store/staging/write-tree.js';
import { checksum } from '../../stream/checksum.js';
import { decompress } from '../../stream/gunzip-stream.js';
import type { Inflater } from '../../stream/inflate/inflater.js';
import type { ArchiveEntry } from '../../tar/archive-entry.js';
import { untar } from '../../tar/untar.js';
import type { TarballSource } from '../fetch/tarball-source.js';
import type { ExtractedPackage, PackageExtraction } from './extract-package.js';
import { PackageCore } from './package-core.js';

/**
 * An `ExtractPackage` through `checksum | decompress | untar | relocate | writeTree`, after a pass that makes the plan.
 * @throws as the stages do
 */
export async function extractThroughStreams(extraction: PackageExtraction): Promise<ExtractedPackage> {
  const { source, job, engine, inflaters, phases, signal } = extraction;
  const inflater = inflaters.take();
  const core = new PackageCore(job, engine, inflater);
  try {
    const plan = await readPlan(() => openEntries(source, inflater), {
      ...job.places,
      engine,
      source: source.location,
    });
    const entries = (await openEntries(source, inflater)).pipeThrough(relocate(plan, { engine }));
    await entries.pipeTo(writeTree(core.tree), signal === undefined ? {} : { signal });
    phases.begin('relocate');
    return { result: await core.complete({ isRelocated: true }), compressedBytes: source.outerBytes ?? 0 };
  } finally {
    core.abandon();
    inflaters.release(inflater);
  }
}

async function openEntries(source: TarballSource, inflater: Inflater): Promise<ReadableStream<ArchiveEntry>> {
  let bytes = (await source.open()).body;
  for (const { digest } of source.expected)
    bytes = bytes.pipeThrough(checksum({ algorithm: 'sha256', expected: digest }));
  return bytes.pipeThrough(decompress({ inflater })).pipeThrough(untar());
}
