// How people name an image: `ubuntu:22.04`, `ghcr.io/owner/name@sha256:…`, or with the scheme of a mirror before it.

export interface ImageReference {
  /** Of the repository, as mirrors have it. */
  readonly url: string;
  /** A tag or a digest. */
  readonly reference: string;
}

const FORM =
  /^(?:(oci(?:\+http)?):\/\/)?(.*?)(?::([A-Za-z0-9_][A-Za-z0-9._-]{0,127}))?(?:@(sha256:[0-9a-f]{64}))?$/i;
const DEFAULT_TAG = 'latest';

/** The parts of a reference; what cannot be one is refused by whoever opens the repository. */
export function parseImageReference(text: string): ImageReference {
  const [, scheme = 'oci', name = '', tag, digest] = FORM.exec(text) ?? [];
  return { url: `${scheme.toLowerCase()}://${name}`, reference: digest ?? tag ?? DEFAULT_TAG };
}
