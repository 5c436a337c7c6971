// Lays packages down as build caches of the layouts 1 and 2 have them: specfiles with checksums, signed where a key is given, and the
// index with its hash file.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { clearsign } from '../signature/temporary-keys.js';
import type { BuiltPackage, CacheOptions, CacheWriter } from './cache-writer.js';
import { type PackedPackage, sha256 } from './packed-package.js';

export const writeClassicCache: CacheWriter = async ({ folder, packages, options }) => {
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
  options: CacheOptions,
): Promise<BuiltPackage> {
  const { sketch, version, hash, arch, digest, projected } = packed;
  const { name } = sketch;
  const file = `${arch}-gcc-12.2.0-${name}-${version}-${hash}`;
  const tarball = `build_cache/${arch}/gcc-12.2.0/${name}-${version}/${file}.spack`;
  const specfile = `build_cache/${file}.spec.json${options.key === undefined ? '' : '.sig'}`;
  const signed = await specfileOf(packed, options);
  write(folder, specfile, sketch.spoilSpecfile === undefined ? signed : sketch.spoilSpecfile(signed));
  const bytes = packed.tarball;
  write(folder, tarball, sketch.spoilTarball === undefined ? bytes : sketch.spoilTarball(bytes));
  return { name, version, hash, specfile, tarball, digest, projected };
}

async function specfileOf({ sketch, spec, digest }: PackedPackage, options: CacheOptions): Promise<Buffer> {
  const { key, layoutVersion = 1 } = options;
  const metadata = {
    ...spec,
    buildcache_layout_version: layoutVersion,
    binary_cache_checksum: { hash_algorithm: 'sha256', hash: digest },
  };
  const text = JSON.stringify(sketch.spoilMetadata?.({ ...metadata }) ?? metadata);
  return key === undefined ? Buffer.from(text) : clearsign(text, key);
}

function writeIndex(folder: string, packages: readonly PackedPackage[]): void {
  const installs = Object.fromEntries(
    packages.map(({ hash, node, sketch }) => [
      hash,
      { spec: node, ref_count: 0, in_buildcache: sketch.external === undefined },
    ]),
  );
  const text = JSON.stringify({ database: { version: '7', installs } });
  write(folder, 'build_cache/index.json', text);
  write(folder, 'build_cache/index.json.hash', sha256(text));
}

function write(folder: string, path: string, bytes: Uint8Array | string | undefined): void {
  if (bytes === undefined) return;
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), bytes);
}
