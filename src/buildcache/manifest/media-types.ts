// What the content of a build cache of layout 3 is, by its media type (FORMATS.md §1). They are compared exactly.

export const MEDIA_TYPES = {
  tarball: 'application/vnd.spack.install.v2.tar+gzip',
  spec: 'application/vnd.spack.spec.v5+json',
  index: 'application/vnd.spack.db.v8+json',
  key: 'application/pgp-keys',
  'key index': 'application/vnd.spack.keyindex.v1+json',
} as const;

export type ContentKind = keyof typeof MEDIA_TYPES;

export type Compression = 'gzip' | 'none';

/** How content of each kind may be stored. */
export const COMPRESSIONS: Readonly<Record<ContentKind, readonly Compression[]>> = {
  tarball: ['gzip'],
  spec: ['gzip', 'none'],
  index: ['none'],
  key: ['none'],
  'key index': ['none'],
};

/** The kind of content that a media type stands for; undefined for an unknown one. */
export function kindOfMediaType(mediaType: string): ContentKind | undefined {
  const kinds = Object.keys(MEDIA_TYPES) as ContentKind[];
  return kinds.find((kind) => MEDIA_TYPES[kind] === mediaType);
}
