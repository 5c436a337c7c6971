// The image of a package: the manifest that its tag names, and the specfile in its config (FORMATS.md §6).
import {
  type ImageContent,
  type ImageManifest,
  parseImageManifest,
  sha256Of,
} from '../../../buildcache/image/image-manifest.js';
import { type RelocationRules, rulesOfLayout, SPACK_1_RULES } from '../../../buildcache/relocation-rules.js';
import { parseSpecfile, requireChecksum, type Specfile } from '../../../buildcache/specfile/specfile.js';
import { IntegrityError, MetadataError, MirrorError, SignatureError } from '../../../core/errors.js';
import type { WithSignal } from '../../../core/with-signal.js';
import type { Repository, StoredManifest } from '../../../transport/oci/repository.js';
import type { PublishedLayout } from '../../build-cache.js';
import { readContent } from '../content/registry-content.js';

/** Specfiles of large environments have some megabytes. */
export const LARGEST_SPECFILE = 64 << 20;
/** Spack 1.0 and 1.1 write 3 in a registry too: the tar is that of layout 2. */
const NEWEST_LAYOUT = 3;

export interface PackageImage {
  readonly tag: string;
  readonly stored: StoredManifest;
  readonly manifest: ImageManifest;
  /** The last layer: the others are those of dependencies and of a base image. */
  readonly tarball: ImageContent;
}

/**
 * The image that a tag names; undefined where there is none.
 * @throws MirrorError, MetadataError, IntegrityError
 */
export async function findImage(
  repository: Repository,
  tag: string,
  options: WithSignal,
): Promise<PackageImage | undefined> {
  const stored = await repository.manifests.get(tag, options);
  if (stored === undefined) return undefined;
  const manifest = parseImageManifest(stored);
  const tarball = manifest.layers.at(-1);
  if (tarball === undefined)
    throw new MetadataError('metadata-invalid', `Cannot use "${stored.location}": it has no layers`, {
      hint: 'It is not a package of a build cache',
      data: { source: stored.location },
    });
  return { tag, stored, manifest, tarball };
}

/** The error for a tag that is not there. */
export function noTag(repository: Repository, tag: string): MirrorError {
  const location = repository.location(tag);
  return new MirrorError('mirror-not-found', `Cannot find "${location}": there is no such tag`, {
    data: { location },
  });
}

/** The error for an unsigned package where a signature is required. */
export function notSigned({ stored: { location } }: PackageImage): SignatureError {
  return new SignatureError('signature-missing', `Cannot use "${location}": it is not signed`, {
    hint: 'Install with "--no-check-signature", or configure the mirror with "signed: false"',
    data: { location },
  });
}

/**
 * The specfile in the config of an image.
 * @throws MetadataError, IntegrityError, MirrorError
 */
export async function readConfigSpecfile(
  repository: Repository,
  image: PackageImage,
  { signal }: WithSignal,
): Promise<{ readonly specfile: Specfile; readonly bytes: Uint8Array }> {
  const { location } = image.stored;
  const named = { repository, content: image.manifest.config, kind: 'config', manifest: location };
  const bytes = await readContent(named, { limit: LARGEST_SPECFILE, signal });
  return { specfile: parseImageSpecfile(bytes, `${location} (config)`), bytes };
}

/** @throws MetadataError, also `layout-unsupported` */
export function parseImageSpecfile(text: Uint8Array, source: string): Specfile {
  const specfile = parseSpecfile(text, source, { newestLayout: NEWEST_LAYOUT });
  if (specfile.layoutVersion > 0) return specfile;
  throw new MetadataError(
    'layout-unsupported',
    `Cannot read "${source}": it has no layout version, which every package in a registry has`,
    { hint: 'Push the package again', data: { source, actual: specfile.layoutVersion } },
  );
}

/**
 * A specfile is of an image if it has the checksum of its last layer.
 * @throws IntegrityError `checksum-mismatch`, `checksum-missing`, `checksum-invalid`
 */
export function requireSameTarball(
  specfile: Specfile,
  { tarball, stored }: PackageImage,
  source: string,
): void {
  const expected = requireChecksum(specfile);
  const actual = sha256Of(tarball);
  if (expected === actual) return;
  throw new IntegrityError(
    'checksum-mismatch',
    `Cannot use "${stored.location}": its last layer is ${actual}, "${source}" says ${expected}`,
    {
      hint: 'The manifest was put together from two packages: push the package again',
      data: { location: stored.location, source, expected, actual },
    },
  );
}

export function layoutOf({ layoutVersion }: Specfile): PublishedLayout {
  return layoutVersion === 3 ? 3 : layoutVersion === 2 ? 2 : 1;
}

/** Layout 3 in a registry is what Spack 1.x writes. */
export function rulesOf(specfile: Specfile): RelocationRules {
  return specfile.layoutVersion === 3 ? SPACK_1_RULES : rulesOfLayout(specfile.layoutVersion);
}
