// A store as it was when the golden caches were pushed: their own tarballs unpacked where they came from, with the store's database.
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { unpackTar } from './unpack-tar.js';

export interface GoldenStore {
  /** Where the packages were built: part of their bytes. */
  readonly root: string;
  /** The database's file. */
  readonly database: string;
  /** The caches whose tarballs are unpacked, one after the other. */
  readonly caches: readonly string[];
}

/** Everything that a golden store leaves in /tmp. */
function topOf({ root }: GoldenStore): string {
  return root.split('/').slice(0, 3).join('/');
}

/** The paths of all tarballs of a cache, relative to it. */
export function tarballsOf(cache: string): string[] {
  const names = readdirSync(cache, { recursive: true }) as string[];
  return names.filter((name) => name.endsWith('.spack')).sort();
}

/** Makes the store; the lock of the golden stores must be held. */
export function makeGoldenStore(store: GoldenStore): void {
  removeGoldenStore(store);
  for (const cache of store.caches)
    for (const tarball of tarballsOf(cache)) unpackTar(gunzipSync(readFileSync(join(cache, tarball))), '/');
  const database = join(store.root, '.spack-db', 'index.json');
  mkdirSync(dirname(database), { recursive: true });
  copyFileSync(store.database, database);
}

export function removeGoldenStore(store: GoldenStore): void {
  rmSync(topOf(store), { recursive: true, force: true });
}
