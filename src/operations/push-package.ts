// Pushes one package: packs it, then publishes the tarball and after it the specfile, each in one step. Until then nothing of it is
// visible, and after a failure nothing of it is left. Only then a specfile of the other kind, signed or not, is removed.
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { specfilePath, tarballPath } from '../buildcache/layout.js';
import { formatSpecfile } from '../buildcache/specfile/write-specfile.js';
import { encodeUtf8, toLatin1 } from '../core/bytes.js';
import { MetadataError } from '../core/errors.js';
import type { ObjectWriter, WritableMirror } from '../mirror/writable-mirror.js';
import type { RelocationEngine } from '../relocation/engine.js';
import type { ProbedPrefixes } from '../relocation/text-probe.js';
import { parseJsonDocument } from '../spec/json/json-document.js';
import { parseSpecDictionary } from '../spec/json/spec-json.js';
import { prefixReadError } from '../store/prefix/prefix-tree.js';
import type { BlockCompressor } from '../stream/gzip/block-compressor.js';
import type { BlockPool } from '../stream/gzip/block-pool.js';
import { GzipBlocks } from '../stream/gzip/gzip-blocks.js';
import { type PackResult, packPrefix } from './pack-prefix.js';
import type { PlannedPush } from './push-plan.js';

/** Signs the text of a specfile; what it returns is published. */
export type SignSpecfile = (text: Uint8Array) => Promise<Uint8Array>;

export type PushLayout = 1 | 2;

/** What all packages of one push share. */
export interface PushContext {
  readonly mirror: WritableMirror;
  readonly layout: PushLayout;
  readonly force: boolean;
  readonly signSpecfile: SignSpecfile | undefined;
  readonly spackPrefix: string;
  readonly engine: RelocationEngine;
  readonly compressor: BlockCompressor;
  readonly pool: BlockPool;
  readonly signal?: AbortSignal | undefined;
  /** Bytes that were read of the prefix, and files. */
  readonly onProgress?: ((bytes: number, files: number) => void) | undefined;
}

export interface PushedPackage {
  /** Of the tarball, compressed and not, in hexadecimal. */
  readonly sha256: string;
  readonly tarSha256: string;
  readonly compressedBytes: number;
  readonly bytes: number;
  readonly files: number;
  readonly relocatable: { readonly text: number; readonly binaries: number; readonly links: number };
  readonly signed: boolean;
}

/**
 * Pushes one package.
 * @returns undefined when the mirror has it already, and force is not wanted
 * @throws StoreError `store-io`, `prefix-changed`; MetadataError for its `spec.json`; MirrorError; what the signing throws
 */
export async function pushPackage(
  planned: PlannedPush,
  context: PushContext,
): Promise<PushedPackage | undefined> {
  const { mirror, force, signal } = context;
  if (!force && (await isThere(planned, mirror, signal))) return undefined;
  const stored = readSpecJson(planned);
  const tarball = await mirror.create(tarballPath(planned.spec.root, planned.spec), { signal });
  try {
    const packed = await pack(planned, context, tarball);
    const text = formatSpecfile(stored.bytes, stored.path, {
      layoutVersion: context.layout,
      sha256: packed.sha256,
    });
    const specfile = context.signSpecfile === undefined ? text : await context.signSpecfile(text);
    await publish(planned, context, { tarball, specfile });
    return describe(packed, context.signSpecfile !== undefined);
  } finally {
    await tarball.discard();
  }
}

/** A tarball without a specfile is what a push left that was killed: it is not there. */
async function isThere(
  { spec }: PlannedPush,
  mirror: WritableMirror,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const options = { signal };
  if (!(await mirror.has(tarballPath(spec.root, spec), options))) return false;
  const unsigned = specfilePath(spec.root, { signed: false, spec });
  const signed = specfilePath(spec.root, { signed: true, spec });
  return (await mirror.has(signed, options)) || (await mirror.has(unsigned, options));
}

/** What the package itself says it is: the specfile is made of it. */
function readSpecJson({ prefix, spec }: PlannedPush): { readonly bytes: Uint8Array; readonly path: string } {
  const path = `${prefix}/.spack/spec.json`;
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (cause) {
    throw prefixReadError(path, cause);
  }
  const { hash } = parseSpecDictionary(parseJsonDocument(bytes, path), path).root;
  if (hash === spec.root.hash) return { bytes, path };
  throw new MetadataError(
    'wrong-package',
    `Cannot push "${spec.root.name}": "${path}" describes another package`,
    {
      hint: 'The database of the store and the prefix do not belong together: let Spack rebuild it with "spack reindex"',
      data: { path, expected: spec.root.hash, actual: hash },
    },
  );
}

async function pack(planned: PlannedPush, context: PushContext, tarball: ObjectWriter): Promise<PackResult> {
  const { compressor, pool, signal, onProgress } = context;
  const output = new GzipBlocks({ compressor, pool, onOutput: (bytes) => tarball.write(bytes) });
  let files = 0;
  const onFile = () => onProgress?.(output.contentSize, ++files);
  try {
    return await packPrefix({
      prefix: byteString(planned.prefix),
      withParents: context.layout === 2,
      prefixes: probedPrefixes(planned, context.engine),
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

function probedPrefixes({ prefixes }: PlannedPush, engine: RelocationEngine): ProbedPrefixes {
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

interface Publication {
  readonly tarball: ObjectWriter;
  readonly specfile: Uint8Array;
}

/** Both are complete before the first gets its name, so that a reader hardly ever finds a new tarball with an old specfile. */
async function publish(
  { spec }: PlannedPush,
  context: PushContext,
  { tarball, specfile }: Publication,
): Promise<void> {
  const { mirror, signal } = context;
  const signed = context.signSpecfile !== undefined;
  const metadata = await mirror.create(specfilePath(spec.root, { signed, spec }), { signal });
  try {
    await metadata.write(specfile);
    await metadata.prepare();
    await tarball.prepare();
    signal?.throwIfAborted();
    await tarball.commit();
    await metadata.commit();
  } finally {
    await metadata.discard();
  }
  await mirror.remove(specfilePath(spec.root, { signed: !signed, spec }));
}

function describe(packed: PackResult, signed: boolean): PushedPackage {
  const { sha256, contentSha256, size, contentSize, files, lists } = packed;
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
