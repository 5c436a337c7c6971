// Attaches signed specfiles to the images of packages, and takes them off again.
import { OCI_EMPTY, OCI_MANIFEST, SIGNED_SPECFILE } from '../../../buildcache/image/media-types.js';
import { encodeUtf8 } from '../../../core/bytes.js';
import { BuildcacheError } from '../../../core/errors.js';
import type { WithSignal } from '../../../core/with-signal.js';
import { digestOf } from '../../../transport/oci/digest.js';
import type { Repository } from '../../../transport/oci/repository.js';
import type { BlobName } from '../content/write-blob.js';
import { writeBlob } from '../content/write-blob.js';

/** The manifest that a signature is attached to. */
export interface Subject extends BlobName {
  readonly mediaType: string;
}

const EMPTY = encodeUtf8('{}');

/**
 * Attaches a clearsigned specfile to a manifest, which need not be there yet. Errors as `RepositoryManifests.put`.
 */
export async function attachSignature(
  repository: Repository,
  { subject, text }: { readonly subject: Subject; readonly text: Uint8Array },
  options: WithSignal,
): Promise<void> {
  const config = await writeBlob(repository, EMPTY, options);
  const layer = await writeBlob(repository, text, options);
  const bytes = encodeUtf8(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      artifactType: SIGNED_SPECFILE,
      config: { mediaType: OCI_EMPTY, ...config },
      layers: [{ mediaType: SIGNED_SPECFILE, ...layer }],
      subject: { mediaType: subject.mediaType, digest: subject.digest, size: subject.size },
    }),
  );
  await repository.manifests.put(digestOf(bytes), { bytes, mediaType: OCI_MANIFEST }, options);
}

/** Takes the signatures of a manifest off, where the registry allows that: they still hold where it does not. Errors as `referrers`. */
export async function detachSignatures(
  repository: Repository,
  digest: string,
  options: WithSignal,
): Promise<void> {
  for (const signature of await repository.referrers(digest, SIGNED_SPECFILE, options)) {
    try {
      await repository.manifests.remove(signature.digest, options);
    } catch (error) {
      if (!(error instanceof BuildcacheError) || error.code !== 'mirror-no-delete') throw error;
    }
  }
}
