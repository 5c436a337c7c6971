// How packages are extracted: by a core of the pool, in this thread or in a worker.

import { extractTarball } from './extract.js';
import type { ExtractedPackage, PackageExtraction } from './extract-package.js';

/** An `ExtractPackage`; errors as there. */
export async function extractWithCore(extraction: PackageExtraction): Promise<ExtractedPackage> {
  const { source, job, size: sizeHint, cores, phases, signal, onProgress } = extraction;
  const { core, tarball } = await cores.take({ job, size: sizeHint, open: () => source.open() });
  try {
    const { location, expected, outerBytes } = source;
    const { body, size } = tarball;
    const identity = { package: job.packageName, hash: job.hash };
    const onBytes = (bytes: number) =>
      onProgress?.({ type: 'package-progress', ...identity, bytes, size, files: core.files });
    const { compressedBytes } = await extractTarball({ body, location, expected, core, signal, onBytes });
    phases.begin('relocate');
    return { result: await core.complete(), compressedBytes: outerBytes ?? compressedBytes };
  } finally {
    cores.release(core);
  }
}
