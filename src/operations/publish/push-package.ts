// Pushes one package: packs it, then publishes it. Nothing is visible before that, and nothing is left after a failure.
import { relative } from 'node:path';
import { encodeUtf8, toLatin1 } from '../../core/bytes.js';
import type { Publication, Publisher, SignText } from '../../mirror/build-cache.js';
import type { RelocationKernels } from '../../relocation/engine.js';
import type { ProbedPrefixes } from '../../relocation/text/text-probe.js';
import type { SpecNode } from '../../spec/spec.js';
import { readStoredSpec } from '../../store/prefix/stored-spec.js';
import type { BlockCompressor } from '../../stream/gzip/block-compressor.js';
import type { BlockPool } from '../../stream/gzip/block-pool.js';
import { GzipBlocks } from '../../stream/gzip/gzip-blocks.js';
import type { Turn } from '../schedule.js';
import type { InspectInstalled } from './inspect-installed.js';
import { type PackResult, packPrefix } from './pack-prefix.js';
import type { PlannedPush } from './push-plan.js';

/** Shared by all packages of one push. */
export interface PushContext {
  readonly publisher: Publisher;
  readonly force: boolean;
  /** Whether the caller settles what is pushed. */
  readonly isSettledLater: boolean;
  readonly sign: SignText | undefined;
  readonly spackPrefix: string;
  readonly engine: RelocationKernels;
  readonly compressor: BlockCompressor;
  readonly pool: BlockPool;
  readonly signal?: AbortSignal | undefined;
  readonly inspect: InspectInstalled;
  /** Number of bytes and files read from the prefix. */
  readonly onProgress?: ((bytes: number, files: number) => void) | undefined;
}

export interface PushedPackage {
  /** Digests of the tarball, compressed and uncompressed, in hexadecimal. */
  readonly sha256: string;
  readonly tarSha256: string;
  readonly compressedBytes: number;
  readonly bytes: number;
  readonly files: number;
  readonly relocatable: { readonly text: number; readonly binaries: number; readonly links: number };
  readonly signed: boolean;
}

/**
 * Pushes one package; it becomes visible when its turn has come.
 * @returns undefined if the mirror already has the package, and `force` is not set
 * @throws StoreError `store-io`, `prefix-changed`; MetadataError for its `spec.json`; MirrorError; the errors of signing
 */
export async function pushPackage(
  planned: PlannedPush,
  context: PushContext,
  turn: Turn,
): Promise<PushedPackage | undefined> {
  const { publisher, force, isSettledLater, sign, signal } = context;
  const { spec } = planned;
  const isSigned = sign !== undefined;
  if (!force && (await publisher.has(spec, { isSigned, signal }))) return undefined;
  const specJson = readStoredSpec({ prefix: planned.prefix, hash: spec.root.hash });
  const publication = await publisher.begin(spec, { isSettledLater, signal });
  try {
    const packed = await pack(planned, context, publication);
    const { sha256, size, contentSha256: tarSha256 } = packed;
    await publication.endTarball?.({ sha256, size }, { signal });
    if (publisher.makesImages) await turn.come();
    const image = { tarSha256, inspect: (node: SpecNode) => context.inspect(node, spec) };
    await publication.finish({ specJson, sha256, size, sign, image }, { signal });
    return describe({ ...packed, signed: isSigned });
  } finally {
    await publication.abandon();
  }
}

async function pack(
  planned: PlannedPush,
  context: PushContext,
  publication: Publication,
): Promise<PackResult> {
  const { publisher, compressor, pool, signal, onProgress } = context;
  const output = new GzipBlocks({ compressor, pool, onOutput: (bytes) => publication.write(bytes) });
  let files = 0;
  const onFile = () => onProgress?.(output.contentSize, ++files);
  try {
    return await packPrefix({
      prefix: byteString(planned.prefix),
      archive: publisher.archive,
      prefixes: probedPrefixes(planned, context.engine),
      linkPrefixes: planned.prefixes.map(byteString),
      facts: buildinfoFacts(planned, context),
      output,
      signal,
      onFile,
    });
  } catch (error) {
    await output.abandon();
    throw error;
  }
}

function probedPrefixes({ prefixes }: PlannedPush, engine: RelocationKernels): ProbedPrefixes {
  const encoded = prefixes.map(encodeUtf8);
  return {
    scanner: engine.createScanner(encoded),
    longest: Math.max(...encoded.map((prefix) => prefix.length)),
  };
}

function buildinfoFacts(
  { root, prefix, sbangPath, hashToPrefix }: PlannedPush,
  { spackPrefix }: PushContext,
) {
  return {
    sbangInstallPath: byteString(sbangPath),
    buildpath: byteString(root),
    spackprefix: byteString(spackPrefix),
    relativePrefix: byteString(relative(root, prefix)),
    hashToPrefix: new Map([...hashToPrefix].map(([hash, path]) => [hash, byteString(path)])),
  };
}

function byteString(text: string): string {
  return toLatin1(encodeUtf8(text));
}

function describe(packed: PackResult & { readonly signed: boolean }): PushedPackage {
  const { signed, sha256, contentSha256, size, contentSize, files, lists } = packed;
  return {
    sha256,
    tarSha256: contentSha256,
    compressedBytes: size,
    bytes: contentSize,
    files,
    relocatable: {
      text: lists.relocateTextfiles.length,
      binaries: lists.relocateBinaries.length,
      links: lists.relocateLinks.length,
    },
    signed,
  };
}
