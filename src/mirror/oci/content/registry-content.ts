// Reads what manifests name in a registry: bounded, and with the digest and the size that they say.
import { createHash } from 'node:crypto';
import { type ImageContent, sha256Of } from '../../../buildcache/image/image-manifest.js';
import { IntegrityError, MetadataError, MirrorError } from '../../../core/errors.js';
import type { WithSignal } from '../../../core/with-signal.js';
import type { OpenedObject } from '../../../transport/object-store.js';
import type { Repository } from '../../../transport/oci/repository.js';
import { isNotFound, readBody } from '../../../transport/read-object.js';
import { requireDigest } from '../../../transport/require-digest.js';

/** Content, and what names it. */
export interface NamedContent {
  readonly repository: Repository;
  readonly content: Pick<ImageContent, 'digest' | 'size'>;
  /** What it is, for messages. */
  readonly kind: string;
  /** Location of the manifest that names it. */
  readonly manifest: string;
}

/**
 * Reads content whole, and verifies it.
 * @throws MirrorError `blob-missing`; IntegrityError `size-mismatch`, `checksum-mismatch`; MetadataError `metadata-too-large`
 */
export async function readContent(
  named: NamedContent,
  { limit, signal }: WithSignal & { readonly limit: number },
): Promise<Uint8Array> {
  const { repository, content } = named;
  const location = repository.location(content.digest);
  if (content.size > limit) throw tooLarge(location, limit, content.size);
  const opened = await openContent(named, { signal });
  const sha256 = sha256Of(content);
  const bytes = await readBody(opened, { limit, sha256, signal });
  if (bytes.length !== content.size) throw wrongSize(location, named, bytes.length);
  const actual = createHash('sha256').update(bytes).digest('hex');
  requireDigest({ location, expected: sha256, actual });
  return bytes;
}

/**
 * Opens content; whoever reads it checks the digest.
 * @throws MirrorError `blob-missing`, and those of the registry; IntegrityError `size-mismatch`
 */
export async function openContent(
  named: NamedContent,
  { start = 0, signal }: WithSignal & { readonly start?: number } = {},
): Promise<OpenedObject> {
  const { repository, content } = named;
  const { digest, size } = content;
  const opened = await repository.blobs
    .open(digest, { start, signal })
    .catch((error: unknown) => Promise.reject(isNotFound(error) ? missing(named) : error));
  const wanted = size - start;
  if (opened.size === undefined || opened.encoding !== undefined || opened.size === wanted)
    return { ...opened, size: wanted, total: size };
  await opened.body.cancel();
  throw wrongSize(opened.location, named, opened.total ?? opened.size);
}

function missing({ repository, content, kind, manifest }: NamedContent): MirrorError {
  const location = repository.location(content.digest);
  return new MirrorError(
    'blob-missing',
    `Cannot read the ${kind} that "${manifest}" names: "${location}" is not there`,
    {
      hint: 'The mirror is not complete: push the package again, or update its index',
      data: { location, manifest, kind, digest: content.digest },
    },
  );
}

function wrongSize(location: string, { content, kind, manifest }: NamedContent, actual: number) {
  return new IntegrityError(
    'size-mismatch',
    `Cannot use "${location}": it has ${actual} bytes, its manifest says ${content.size}`,
    {
      hint: 'The content is damaged or was replaced: push the package again',
      data: { location, kind, manifest, expected: content.size, actual },
    },
  );
}

function tooLarge(location: string, limit: number, size: number): MetadataError {
  return new MetadataError(
    'metadata-too-large',
    `Cannot read "${location}": it is larger than ${limit} bytes`,
    { data: { location, limit, size } },
  );
}
