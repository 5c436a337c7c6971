// The tarball of a package in one build cache, and what it must be. In layout 0 it is taken out of the archive that it lies in first.
import { createHash } from 'node:crypto';
import { IntegrityError } from '../../core/errors.js';
import type { PackageDescription, Trust } from '../../mirror/build-cache.js';
import type { Spec } from '../../spec/spec.js';
import { Stage } from '../../store/staging/stage.js';
import type { Decoders } from '../../stream/inflate/inflater.js';
import { forEachChunk } from '../../transport/read-object.js';
import { StageScratchFile } from '../fetch/scratch-file.js';

/** Tarballs are only limited by the disk. */
const NO_LIMIT = Number.MAX_SAFE_INTEGER;

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

export interface DigestCheck {
  readonly open: () => Promise<{
    readonly body: ReadableStream<Uint8Array>;
    readonly size: number | undefined;
    readonly location: string;
  }>;
  readonly sha256: string;
  readonly signal: AbortSignal | undefined;
  /** Told every chunk as it comes. */
  readonly onChunk?: (chunk: Uint8Array) => void | Promise<void>;
}

/**
 * Reads an object to its end.
 * @returns its bytes
 * @throws IntegrityError `checksum-mismatch`; MirrorError
 */
export async function readVerified({ open, sha256, signal, onChunk }: DigestCheck): Promise<number> {
  const object = await open();
  const { location } = object;
  const digest = createHash('sha256');
  let bytes = 0;
  await forEachChunk(object, { limit: NO_LIMIT, signal }, async (chunk) => {
    digest.update(chunk);
    bytes += chunk.length;
    await onChunk?.(chunk);
  });
  const actual = digest.digest('hex');
  if (actual === sha256) return bytes;
  throw new IntegrityError(
    'checksum-mismatch',
    `Cannot use "${location}": its sha256 is ${actual}, not ${sha256}`,
    {
      hint: 'The file is damaged or was replaced: push it again',
      data: { location, expected: sha256, actual },
    },
  );
}
