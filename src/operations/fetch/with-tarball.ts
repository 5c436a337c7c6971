// The tarball of a package in one build cache, and what it must be. In layout 0 it is taken out of the archive that it lies in first.
import type { PackageDescription, Trust } from '../../mirror/build-cache.js';
import type { Spec } from '../../spec/spec.js';
import { Stage } from '../../store/staging/stage.js';
import type { Decoders } from '../../stream/inflate/inflater.js';
import { StageScratchFile } from './scratch-file.js';

export interface TarballUse<Result> {
  readonly spec: Spec;
  readonly description: PackageDescription;
  readonly trust: Trust;
  /** Decodes packages of layout 0. */
  readonly engine: Decoders;
  /** For packages of layout 0 while they are verified. */
  readonly temporaryFolder: string;
  readonly signal: AbortSignal | undefined;
  /** Given the description that counts. */
  readonly use: (description: PackageDescription) => Promise<Result>;
}

/** Errors as `PackageDescription.unwrap`, and those of `use`. */
export async function withTarball<Result>(request: TarballUse<Result>): Promise<Result> {
  const { spec, description, trust, engine, temporaryFolder, signal, use } = request;
  if (description.unwrap === undefined) return use(description);
  const stage = Stage.create(temporaryFolder, spec.root.hash);
  try {
    const inflater = engine.createInflater();
    const scratch = new StageScratchFile(stage);
    return await use(await description.unwrap({ spec, trust, inflater, scratch, signal }));
  } finally {
    stage.remove();
  }
}
