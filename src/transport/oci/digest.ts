// Digests and tags, as the OCI specifications write them.
import { createHash } from 'node:crypto';

const DIGEST = /^sha256:([0-9a-f]{64})$/;
const TAG = /^\w[\w.-]{0,127}$/;

/** The hexadecimal digits of a digest; undefined for another algorithm, and for what is none. */
export function sha256OfDigest(digest: string): string | undefined {
  return DIGEST.exec(digest)?.[1];
}

export function isDigest(reference: string): boolean {
  return DIGEST.test(reference);
}

export function isTag(reference: string): boolean {
  return TAG.test(reference);
}

export function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
