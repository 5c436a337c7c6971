// Lays packages down as build caches of layout 3 have them: blobs by digest, and manifests, signed where a key is given.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { parseNode } from '../../src/spec/json/spec-json.js';
import { writeNode } from '../../src/spec/json/write-node.js';
import type { JsonObject } from '../../src/spec/spec.js';
import { clearsign } from '../signature/temporary-keys.js';
import type { BuiltPackage, CacheOptions, CacheWriter } from './cache-writer.js';
import { type PackedPackage, sha256 } from './packed-package.js';

const MEDIA_TYPES = {
  tarball: 'application/vnd.spack.install.v2.tar+gzip',
  spec: 'application/vnd.spack.spec.v5+json',
  index: 'application/vnd.spack.db.v8+json',
} as const;

export const writeManifestCache: CacheWriter = async ({ folder, packages, options }) => {
  write(folder, 'v3/layout.json', '{"signing": "gpg"}');
  const built: BuiltPackage[] = [];
  for (const packed of packages) {
    if (packed.tarball !== undefined)
      built.push(await writePackage(folder, { ...packed, tarball: packed.tarball }, options));
  }
  if (options.index !== false) writeIndex(folder, packages);
  return built;
};

async function writePackage(
  folder: string,
  packed: PackedPackage & { readonly tarball: Buffer },
  { key }: CacheOptions,
): Promise<BuiltPackage> {
  const { sketch, version, hash, digest, projected, tarball: bytes } = packed;
  const { name } = sketch;
  const { binary_cache_checksum: checksum, ...metadata } = metadataOf(packed);
  const archive = record('tarball', bytes);
  const spec = gzipSync(JSON.stringify(metadata));
  const records = [{ ...archive, ...(checksum === null && { checksum }) }, record('spec', spec)];
  const text = JSON.stringify({ version: 3, data: records }, undefined, 1);
  const signed = key === undefined ? Buffer.from(text) : await clearsign(text, key);
  const tarball = blobPath(digest);
  write(folder, tarball, sketch.spoilTarball === undefined ? bytes : sketch.spoilTarball(bytes));
  write(folder, blobPath(sha256(spec)), spec);
  const specfile = `v3/manifests/spec/${name}/${name}-${version}-${hash}.spec.manifest.json`;
  write(folder, specfile, sketch.spoilSpecfile === undefined ? signed : sketch.spoilSpecfile(signed));
  return { name, version, hash, specfile, tarball, digest, projected };
}

/** The checksum is not part of it, but tests that spoil it do so here. */
function metadataOf({ sketch, spec, digest }: PackedPackage): Record<string, unknown> {
  const { nodes } = (spec as { spec: { nodes: JsonObject[] } }).spec;
  const metadata = {
    spec: { _meta: { version: 5 }, nodes: nodes.map(newNode) },
    buildcache_layout_version: 2,
    binary_cache_checksum: { hash_algorithm: 'sha256', hash: digest },
  };
  return (sketch.spoilMetadata?.({ ...metadata }) ?? metadata) as Record<string, unknown>;
}

/** A node of format 4 as Spack 1.x writes it. */
function newNode(node: JsonObject): JsonObject {
  return writeNode(parseNode(node, 4), 5);
}

function writeIndex(folder: string, packages: readonly PackedPackage[]): void {
  const installs = Object.fromEntries(
    packages.map(({ hash, node, sketch }) => [
      hash,
      { spec: newNode(node), ref_count: 0, in_buildcache: sketch.external === undefined },
    ]),
  );
  const bytes = Buffer.from(JSON.stringify({ database: { version: '8', installs } }));
  write(folder, blobPath(sha256(bytes)), bytes);
  const manifest = { version: 3, data: [record('index', bytes)] };
  write(folder, 'v3/manifests/index/index.manifest.json', JSON.stringify(manifest));
}

function record(kind: keyof typeof MEDIA_TYPES, bytes: Buffer) {
  return {
    contentLength: bytes.length,
    mediaType: MEDIA_TYPES[kind],
    compression: kind === 'index' ? 'none' : 'gzip',
    checksumAlgorithm: 'sha256',
    checksum: sha256(bytes),
  };
}

function blobPath(digest: string): string {
  return `blobs/sha256/${digest.slice(0, 2)}/${digest}`;
}

function write(folder: string, path: string, bytes: Uint8Array | string | undefined): void {
  if (bytes === undefined) return;
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), bytes);
}
