// Builds tiny build caches in code: packages are packed (`packed-package.ts`), and a writer of the kind that is wanted lays them down.
// Another kind is a file with its writer, and a line in `WRITERS`.
import type { BuiltPackage, CacheKind, CacheOptions, CacheWriter } from './cache-writer.js';
import { writeClassicCache } from './classic-cache-writer.js';
import { writeManifestCache } from './manifest-cache-writer.js';
import { writeOciCache } from './oci-cache-writer.js';
import { type PackageSketch, packPackages } from './packed-package.js';

export type { BuiltPackage, CacheOptions } from './cache-writer.js';
export { hashFor, OLD_ROOT, type PackageSketch, PLATFORM } from './packed-package.js';

export interface BuiltCache {
  readonly folder: string;
  readonly packages: ReadonlyMap<string, BuiltPackage>;
  /** A package that must be there. */
  get(name: string): BuiltPackage;
}

const WRITERS: Readonly<Record<CacheKind, CacheWriter>> = {
  classic: writeClassicCache,
  manifest: writeManifestCache,
  oci: writeOciCache,
};

/** Writes a build cache into a folder; of packages that depend on each other the needed ones come first. */
export async function buildCache(
  folder: string,
  sketches: readonly PackageSketch[],
  options: CacheOptions = {},
): Promise<BuiltCache> {
  const { kind = 'classic', layoutVersion = 1 } = options;
  const packed = packPackages(sketches, { withParents: kind === 'manifest' || layoutVersion >= 2 });
  const built = await WRITERS[kind]({ folder, packages: packed, options });
  const packages = new Map(built.map((each) => [each.name, each]));
  const get = (name: string): BuiltPackage => {
    const found = packages.get(name);
    if (found === undefined) throw new TypeError(`The cache has no package "${name}"`);
    return found;
  };
  return { folder, packages, get };
}
