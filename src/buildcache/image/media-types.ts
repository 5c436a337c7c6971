// The media types of images (OCI image specification 1.1; Docker image manifest version 2, schema 2), and those of what regraft attaches.

export const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
export const OCI_INDEX = 'application/vnd.oci.image.index.v1+json';
export const OCI_CONFIG = 'application/vnd.oci.image.config.v1+json';
export const OCI_LAYER = 'application/vnd.oci.image.layer.v1.tar+gzip';
/** The config of an artifact that has none. */
export const OCI_EMPTY = 'application/vnd.oci.empty.v1+json';

export const DOCKER_MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json';
export const DOCKER_INDEX = 'application/vnd.docker.distribution.manifest.list.v2+json';
export const DOCKER_LAYER = 'application/vnd.docker.image.rootfs.diff.tar.gzip';

/** A clearsigned specfile, attached to the image of its package: the type of the artifact, and of its only layer. */
export const SIGNED_SPECFILE = 'application/vnd.regraft.specfile.clearsigned.v1';
/** The public keys of a build cache, a layer each. */
export const KEY_COLLECTION = 'application/vnd.regraft.keys.v1';
export const PUBLIC_KEY = 'application/pgp-keys';
export const KEY_INDEX = 'application/vnd.spack.keyindex.v1+json';
