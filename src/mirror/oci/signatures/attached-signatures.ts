// The signatures of packages in a registry, which no Spack knows: a clearsigned specfile as an artifact that refers to the package's
// manifest (OCI distribution specification 1.1, "Referrers"). Spack is not disturbed: it looks at tags that end in `.spack` only.
import { type ImageContent, parseImageManifest } from '../../../buildcache/image/image-manifest.js';
import { SIGNED_SPECFILE } from '../../../buildcache/image/media-types.js';
import type { Specfile } from '../../../buildcache/specfile/specfile.js';
import { BuildcacheError, MetadataError, MirrorError } from '../../../core/errors.js';
import type { WithSignal } from '../../../core/with-signal.js';
import type { Spec } from '../../../spec/spec.js';
import { isDigest } from '../../../transport/oci/digest.js';
import type { Descriptor, Repository, StoredManifest } from '../../../transport/oci/repository.js';
import type { DescribeOptions } from '../../build-cache.js';
import { checkIdentity } from '../../check-identity.js';
import { readContent } from '../content/registry-content.js';
import {
  LARGEST_SPECFILE,
  type PackageImage,
  parseImageSpecfile,
  requireSameTarball,
} from '../images/package-image.js';

/** A signature as it lies there. */
export interface AttachedSignature {
  readonly manifest: StoredManifest;
  /** Empty in those of ours. */
  readonly config: ImageContent;
  readonly text: Uint8Array;
  /** Digest of the text. */
  readonly digest: string;
  readonly location: string;
}

/** What a signature says, verified where the trust wants that. */
export interface SignedSpecfile extends AttachedSignature {
  readonly specfile: Specfile;
  readonly isVerified: boolean;
}

/** Several people may have signed, and whoever may write can attach more. */
const MOST_SIGNATURES = 100;

/** The signatures of an image, not yet read. Errors as `Repository.referrers`. */
export async function listSignatures(
  repository: Repository,
  { stored }: PackageImage,
  { signal }: WithSignal,
): Promise<readonly Descriptor[]> {
  const found = await repository.referrers(stored.digest, SIGNED_SPECFILE, { signal });
  return found.filter(({ digest }) => isDigest(digest)).slice(0, MOST_SIGNATURES);
}

/**
 * The first signature of an image that holds.
 * @returns undefined where there is none
 * @throws SignatureError and the others of reading, of the first signature, where none holds
 */
export async function findSignature(
  repository: Repository,
  image: PackageImage,
  options: DescribeOptions & { readonly spec: Spec },
): Promise<SignedSpecfile | undefined> {
  const { signal } = options;
  let failure: unknown;
  for (const { digest } of await listSignatures(repository, image, { signal })) {
    try {
      const attached = await readSignature(repository, image, { digest, signal });
      if (attached !== undefined) return await openSignature(attached, image, options);
    } catch (error) {
      signal?.throwIfAborted();
      // Where the registry does not answer, nobody knows what is signed.
      if (!(error instanceof BuildcacheError) || error instanceof MirrorError) throw error;
      failure ??= error;
    }
  }
  if (failure !== undefined) throw failure;
  return undefined;
}

interface SignatureReading extends WithSignal {
  /** Of the manifest of the signature. */
  readonly digest: string;
}

/** Undefined for one that is gone: lists of referrers may be old. Errors as `findSignature`. */
export async function readSignature(
  repository: Repository,
  image: PackageImage,
  { digest, signal }: SignatureReading,
): Promise<AttachedSignature | undefined> {
  const stored = await repository.manifests.get(digest, { signal });
  if (stored === undefined) return undefined;
  const { config, layers, subject } = parseImageManifest(stored);
  const [layer, ...others] = layers;
  if (layer?.mediaType !== SIGNED_SPECFILE || others.length > 0 || subject?.digest !== image.stored.digest)
    throw notASignature(stored, image);
  const named = { repository, content: layer, kind: 'signature', manifest: stored.location };
  const text = await readContent(named, { limit: LARGEST_SPECFILE, signal });
  return { manifest: stored, config, text, digest: layer.digest, location: stored.location };
}

async function openSignature(
  attached: AttachedSignature,
  image: PackageImage,
  { spec, trust }: DescribeOptions & { readonly spec: Spec },
): Promise<SignedSpecfile> {
  const { location } = attached;
  const { text, isVerified } = await trust.open(attached.text, location);
  const specfile = parseImageSpecfile(text, location);
  checkIdentity({ specfile, spec, location, isVerified });
  requireSameTarball(specfile, image, location);
  return { ...attached, specfile, isVerified };
}

function notASignature({ location }: StoredManifest, { stored }: PackageImage): MetadataError {
  return new MetadataError(
    'metadata-invalid',
    `Cannot use "${location}": it is not a signed specfile of "${stored.location}"`,
    {
      hint: 'It has one layer with the signed text, and refers to the manifest of the package',
      data: { location, subject: stored.digest },
    },
  );
}
