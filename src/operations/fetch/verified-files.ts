// The files of a package, to be copied as they are. What is signed inside of an archive (layout 0) is verified first; the resulting digest
// ensures that the next fetch gets the same bytes.
import type { PackageDescription, StoredFile, Trust } from '../../mirror/build-cache.js';
import type { Spec } from '../../spec/spec.js';
import { Stage } from '../../store/staging/stage.js';
import type { Decoders } from '../../stream/inflate/inflater.js';
import { readVerified } from '../../transport/read-verified.js';
import { StageScratchFile } from './scratch-file.js';

export interface VerifiedFilesRequest {
  readonly spec: Spec;
  readonly description: PackageDescription;
  readonly trust: Trust;
  /** Decodes packages of layout 0. */
  readonly engine: Decoders;
  /** Holds packages of layout 0 while they are verified. */
  readonly temporaryFolder: string;
  readonly signal: AbortSignal | undefined;
}

/** The tarball first, the metadata last. Errors as `PackageDescription.unwrap`. */
export async function verifiedFiles(request: VerifiedFilesRequest): Promise<readonly StoredFile[]> {
  const { spec, description, trust, engine, temporaryFolder, signal } = request;
  if (description.unwrap === undefined) return description.files;
  const stage = Stage.create(temporaryFolder, spec.root.hash);
  try {
    const inflater = engine.createInflater();
    const scratch = new StageScratchFile(stage);
    const { tarball, files } = await description.unwrap({ spec, trust, inflater, scratch, signal });
    await readVerified({ open: () => tarball.open({ signal }), sha256: tarball.sha256, signal });
    return files;
  } finally {
    stage.remove();
  }
}
