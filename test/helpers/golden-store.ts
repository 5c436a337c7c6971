// A store as it was when the golden caches were pushed: their own tarballs unpacked where they came from, with the store's database.
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { type Buildinfo, parseBuildinfo } from '../../src/buildcache/buildinfo/buildinfo.js';
import { readMembers, unpackTar } from './unpack-tar.js';

export interface GoldenStore {
  /** Where the packages were built: part of their bytes. */
  readonly root: string;
  /** The database's file; without one it is made of the caches' indexes. */
  readonly database: string | undefined;
  /** The caches whose tarballs are unpacked, one after the other. */
  readonly caches: readonly string[];
}

/** Everything that a golden store leaves in /tmp. */
function topOf({ root }: GoldenStore): string {
  return root.split('/').slice(0, 3).join('/');
}

/** The paths of all tarballs of a cache, relative to it. */
export function tarballsOf(cache: string): string[] {
  if (existsSync(join(cache, 'v3'))) return manifestsOf(cache).map((path) => blobsOf(cache, path).tarball);
  const names = readdirSync(cache, { recursive: true }) as string[];
  return names.filter((name) => name.endsWith('.spack')).sort();
}

/** The paths of all spec manifests of a cache of layout 3, relative to it. */
export function manifestsOf(cache: string): string[] {
  const names = readdirSync(join(cache, 'v3/manifests/spec'), { recursive: true }) as string[];
  return names
    .filter((name) => name.endsWith('.spec.manifest.json'))
    .map((name) => join('v3/manifests/spec', name))
    .sort();
}

/** What a spec manifest says, without its signature. */
export function manifestText(cache: string, path: string): string {
  const text = readFileSync(join(cache, path), 'utf8');
  return text.slice(text.indexOf('{'), text.lastIndexOf('}') + 1);
}

/** The paths of the two blobs of a spec manifest, relative to the cache. */
export function blobsOf(cache: string, path: string): { readonly tarball: string; readonly spec: string } {
  const { data } = JSON.parse(manifestText(cache, path)) as {
    data: { mediaType: string; checksum: string }[];
  };
  const blob = (part: string) => {
    const checksum = data.find(({ mediaType }) => mediaType.includes(part))?.checksum ?? '';
    return `blobs/sha256/${checksum.slice(0, 2)}/${checksum}`;
  };
  return { tarball: blob('spack.install'), spec: blob('spack.spec') };
}

/** Makes the store; the lock of the golden stores must be held. */
export function makeGoldenStore(store: GoldenStore): void {
  removeGoldenStore(store);
  for (const cache of store.caches)
    for (const tarball of tarballsOf(cache)) unpackTar(gunzipSync(readFileSync(join(cache, tarball))), '/');
  const database = join(store.root, '.spack-db', 'index.json');
  mkdirSync(dirname(database), { recursive: true });
  if (store.database !== undefined) copyFileSync(store.database, database);
  else writeFileSync(database, JSON.stringify(databaseOf(store)));
}

/** Records for everything in the indexes, with the paths that the buildinfos tell. */
function databaseOf({ root, caches }: GoldenStore): object {
  const installs: Record<string, object> = {};
  for (const cache of caches) {
    const paths = pathsOf(cache);
    for (const [hash, { spec }] of Object.entries(recordsOf(cache))) {
      const path = paths.get(hash);
      const facts = { ref_count: 0, explicit: false, installation_time: 0, deprecated_for: null };
      installs[hash] = { spec, path: path ?? join(root, hash), installed: path !== undefined, ...facts };
    }
  }
  return { database: { version: '7', installs } };
}

function recordsOf(cache: string): Record<string, { readonly spec: object }> {
  return JSON.parse(readFileSync(join(cache, 'build_cache', 'index.json'), 'utf8')).database.installs;
}

function pathsOf(cache: string): Map<string, string> {
  const hashToPrefix = tarballsOf(cache).flatMap((tarball) => [
    ...buildinfoOf(join(cache, tarball)).hashToPrefix,
  ]);
  return new Map(hashToPrefix);
}

/** The buildinfo of a tarball: its last member. */
export function buildinfoOf(tarball: string): Buildinfo {
  const last = readMembers(gunzipSync(readFileSync(tarball))).at(-1);
  return parseBuildinfo(last?.body ?? new Uint8Array(0), tarball);
}

export function removeGoldenStore(store: GoldenStore): void {
  rmSync(topOf(store), { recursive: true, force: true });
}
