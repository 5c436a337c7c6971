// How the files of a package of a registry are called where it is downloaded to: content as in an image layout, manifests by their names.
import { type ImageContent, sha256Of } from '../../../buildcache/image/image-manifest.js';

const BLOBS = 'blobs/sha256';
const IMAGES = 'manifests';
const SIGNATURES = 'signatures';

export function blobPath(content: Pick<ImageContent, 'digest'>): string {
  return `${BLOBS}/${sha256Of(content)}`;
}

/** The digest of content by its path. */
export function digestOfBlobPath(path: string): string | undefined {
  const digits = new RegExp(`^${BLOBS}/([0-9a-f]{64})$`).exec(path)?.[1];
  return digits && `sha256:${digits}`;
}

/** Of the manifest of a package. */
export function imagePath(tag: string): string {
  return `${IMAGES}/${tag}.json`;
}

/** Of the manifest of a signature. */
export function signaturePath(manifest: Pick<ImageContent, 'digest'>): string {
  return `${SIGNATURES}/${sha256Of(manifest)}.json`;
}

/** The tag of a package by the path of its manifest. */
export function tagOfImagePath(path: string): string | undefined {
  return new RegExp(`^${IMAGES}/(.+)\\.json$`).exec(path)?.[1];
}

/** The digest of a signature by the path of its manifest. */
export function digestOfSignaturePath(path: string): string | undefined {
  const digits = new RegExp(`^${SIGNATURES}/([0-9a-f]{64})\\.json$`).exec(path)?.[1];
  return digits && `sha256:${digits}`;
}
