// The digest by which a Spack names what belongs to a text: its own folder, a repository. Spack `b32_hash`.
import { createHash } from 'node:crypto';
import { base32 } from '../../core/base32.js';

export function spackDigest(text: string): string {
  return base32(createHash('sha1').update(text).digest()).toLowerCase();
}
