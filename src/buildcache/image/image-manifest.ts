// The manifest of an image, or of what is attached to one (OCI image specification 1.1, "Image Manifest"): the blobs that it consists of.
import { IntegrityError, MetadataError } from '../../core/errors.js';
import { parseJsonDocument } from '../../spec/json/json-document.js';
import { JsonFact } from '../../spec/json/json-fact.js';
import type { JsonObject } from '../../spec/spec.js';
import { DOCKER_INDEX, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST } from './media-types.js';

/** How a manifest names content. */
export interface ImageContent {
  readonly mediaType: string;
  /** `sha256:` and 64 lower-case hexadecimal digits. */
  readonly digest: string;
  /** In bytes. */
  readonly size: number;
  /** As it was read: what a manifest is made of that takes the content over. */
  readonly raw: JsonObject;
}

export interface ImageManifest {
  /** How messages name it. */
  readonly source: string;
  readonly mediaType: string;
  readonly artifactType: string | undefined;
  readonly config: ImageContent;
  readonly layers: readonly ImageContent[];
  /** What it is attached to. */
  readonly subject: ImageContent | undefined;
}

/** What a manifest of several images has of each. */
export interface PlatformImage extends ImageContent {
  readonly architecture: string | undefined;
  readonly os: string | undefined;
}

/** The text of a manifest, with the type that it came with. */
export interface ManifestText {
  readonly bytes: Uint8Array;
  readonly mediaType: string;
  /** How messages name it. */
  readonly location: string;
}

const DIGEST = /^sha256:([0-9a-f]{64})$/;
/** Images have at most 127 layers where they run; those of deep packages have more, and are read all the same. */
const MOST_LAYERS = 10_000;

/**
 * Parses the manifest of one image.
 * @throws MetadataError `metadata-syntax`, `metadata-invalid`, also for a manifest of several images; IntegrityError `checksum-invalid`
 */
export function parseImageManifest(text: ManifestText): ImageManifest {
  const document = readDocument(text);
  const mediaType = typeOf(document, text);
  if (mediaType !== OCI_MANIFEST && mediaType !== DOCKER_MANIFEST) throw notAnImage(text, mediaType);
  const layers = document.get('layers').items();
  if (layers.length > MOST_LAYERS)
    throw document.get('layers').invalid(`a list of at most ${MOST_LAYERS} layers`);
  const subject = document.find('subject');
  return {
    source: text.location,
    mediaType,
    artifactType: document.find('artifactType')?.text(),
    config: readContent(document.get('config')),
    layers: layers.map(readContent),
    subject: subject && readContent(subject),
  };
}

/** Whether a manifest is one of several images. */
export function isImageIndex({ mediaType }: Pick<ManifestText, 'mediaType'>): boolean {
  return mediaType === OCI_INDEX || mediaType === DOCKER_INDEX;
}

/** Parses a manifest of several images. Errors as `parseImageManifest`. */
export function parseImageIndex(text: ManifestText): readonly PlatformImage[] {
  return readDocument(text)
    .get('manifests')
    .items()
    .map((item) => {
      const platform = item.find('platform');
      const find = (key: string) => platform?.find(key)?.text();
      return { ...readContent(item), architecture: find('architecture'), os: find('os') };
    });
}

/** The digits of a digest. */
export function sha256Of({ digest }: Pick<ImageContent, 'digest'>): string {
  return digest.slice('sha256:'.length);
}

function readDocument({ bytes, location }: ManifestText): JsonFact {
  return new JsonFact(parseJsonDocument(bytes, location), location);
}

/** What the text says counts: a registry may serve one manifest with the type of another. */
function typeOf(document: JsonFact, { mediaType }: ManifestText): string {
  return document.find('mediaType')?.text() ?? mediaType;
}

function readContent(fact: JsonFact): ImageContent {
  const digest = fact.get('digest').text();
  if (DIGEST.test(digest))
    return {
      mediaType: fact.get('mediaType').text(),
      digest,
      size: fact.get('size').count(),
      raw: fact.object(),
    };
  throw new IntegrityError(
    'checksum-invalid',
    `Cannot use "${fact.source}": the digest "${digest.slice(0, 80)}" is not a sha256`,
    { data: { source: fact.source, path: fact.path, actual: digest.slice(0, 80) } },
  );
}

function notAnImage({ location }: ManifestText, mediaType: string): MetadataError {
  const what = isImageIndex({ mediaType })
    ? 'it stands for several images'
    : `it is of the type "${mediaType.slice(0, 80)}"`;
  return new MetadataError('metadata-invalid', `Cannot read "${location}": ${what}, not for one image`, {
    hint: 'It is not a package of a build cache',
    data: { source: location, actual: mediaType.slice(0, 80), expected: OCI_MANIFEST },
  });
}
