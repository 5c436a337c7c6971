// Lays packages down as a registry has them, in a folder with the OCI image layout: an image for each, and what is signed attached to it.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { clearsign } from '../signature/temporary-keys.js';
import type { BuiltPackage, CacheOptions, CacheWriter } from './cache-writer.js';
import { type PackedPackage, sha256 } from './packed-package.js';

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const CONFIG = 'application/vnd.oci.image.config.v1+json';
const LAYER = 'application/vnd.oci.image.layer.v1.tar+gzip';
const SIGNED = 'application/vnd.regraft.specfile.clearsigned.v1';
const EMPTY = 'application/vnd.oci.empty.v1+json';

interface Named {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

interface Listed extends Named {
  readonly annotations?: Record<string, string>;
}

export const writeOciCache: CacheWriter = async ({ folder, packages, options }) => {
  const listed: Listed[] = [];
  const built: BuiltPackage[] = [];
  for (const packed of packages) {
    if (packed.tarball === undefined) continue;
    const { name, manifests } = await writePackage(folder, { ...packed, tarball: packed.tarball }, options);
    built.push(name);
    listed.push(...manifests);
  }
  if (options.index !== false) listed.push(writeIndex(folder, packages));
  write(folder, 'oci-layout', '{"imageLayoutVersion":"1.0.0"}');
  write(folder, 'index.json', JSON.stringify({ schemaVersion: 2, manifests: listed }));
  return built;
};

async function writePackage(
  folder: string,
  packed: PackedPackage & { readonly tarball: Buffer },
  { key, layoutVersion = 1 }: CacheOptions,
) {
  const { sketch, version, hash, digest, projected, tarball, spec } = packed;
  const checksum = { hash_algorithm: 'sha256', hash: digest };
  const facts = { buildcache_layout_version: layoutVersion, binary_cache_checksum: checksum };
  const metadata = { ...spec, ...facts };
  const specfile = (sketch.spoilMetadata?.({ ...metadata }) ?? metadata) as Record<string, unknown>;
  const stored = sketch.spoilTarball === undefined ? tarball : sketch.spoilTarball(tarball);
  const layer = { mediaType: LAYER, digest: `sha256:${digest}`, size: tarball.length };
  write(folder, blobPath(digest), stored);
  const config = blob(folder, CONFIG, JSON.stringify({ ...imageOf(tarball), ...specfile }));
  const manifest = { schemaVersion: 2, mediaType: MANIFEST, config, layers: [layer] };
  const image = blob(folder, MANIFEST, JSON.stringify(manifest));
  const tag = `${sketch.name}-${version}-${hash}.spack`;
  const manifests: Listed[] = [named(image, tag)];
  if (key !== undefined) {
    const text = await clearsign(JSON.stringify(specfile, undefined, 0).replaceAll(',', ',\n'), key);
    const signed = sketch.spoilSpecfile === undefined ? text : sketch.spoilSpecfile(text);
    if (signed !== undefined) manifests.push(attach(folder, image, signed));
  }
  const name = { name: sketch.name, version, hash, specfile: blobPath(image.digest), projected };
  return { name: { ...name, tarball: blobPath(digest), digest }, manifests };
}

function imageOf(tarball: Buffer): object {
  const rootfs = { type: 'layers', diff_ids: [`sha256:${sha256(gunzipSync(tarball))}`] };
  return { architecture: 'amd64', os: 'linux', rootfs, config: { Env: ['PATH=/bin:/usr/bin'] } };
}

function attach(folder: string, subject: Named, text: Buffer): Listed {
  const config = blob(folder, EMPTY, '{}');
  const layers = [blob(folder, SIGNED, text)];
  const manifest = {
    schemaVersion: 2,
    mediaType: MANIFEST,
    artifactType: SIGNED,
    config,
    layers,
    subject,
  };
  return blob(folder, MANIFEST, JSON.stringify(manifest));
}

function writeIndex(folder: string, packages: readonly PackedPackage[]): Listed {
  const installs = Object.fromEntries(
    packages.map(({ hash, node, sketch }) => [
      hash,
      { spec: node, ref_count: 0, in_buildcache: sketch.external === undefined },
    ]),
  );
  const index = blob(folder, LAYER, JSON.stringify({ database: { version: '7', installs } }));
  const config = blob(folder, CONFIG, '{}');
  const manifest = { mediaType: MANIFEST, schemaVersion: 2, config, layers: [index] };
  return named(blob(folder, MANIFEST, JSON.stringify(manifest)), 'index.spack');
}

function named(content: Named, tag: string): Listed {
  return { ...content, annotations: { 'org.opencontainers.image.ref.name': tag } };
}

function blob(folder: string, mediaType: string, content: string | Uint8Array): Named {
  const bytes = Buffer.from(content);
  const digits = sha256(bytes);
  write(folder, blobPath(digits), bytes);
  return { mediaType, digest: `sha256:${digits}`, size: bytes.length };
}

function blobPath(digest: string): string {
  return `blobs/sha256/${digest.replace('sha256:', '')}`;
}

function write(folder: string, path: string, bytes: Uint8Array | string | undefined): void {
  if (bytes === undefined) return;
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), bytes);
}
