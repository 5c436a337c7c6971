// Whether metadata describes the package that it was asked for: every layout asks here.
import type { Specfile } from '../buildcache/specfile/specfile.js';
import { MetadataError, SignatureError } from '../core/errors.js';
import type { Spec } from '../spec/spec.js';

export interface IdentityCheck {
  readonly specfile: Specfile;
  /** What was asked for. */
  readonly spec: Spec;
  readonly location: string;
  /** Whether somebody who is trusted signed the metadata. */
  readonly isVerified: boolean;
}

/**
 * A mirror may serve one good package under the name of another.
 * @throws SignatureError `signature-wrong-spec` for metadata that is verified, else MetadataError `wrong-package`
 */
export function checkIdentity({ specfile, spec, location, isVerified }: IdentityCheck): void {
  const actual = specfile.spec.root.hash;
  const expected = spec.root.hash;
  if (actual === expected) return;
  const message = `Cannot use "${location}": it describes "${specfile.spec.root.name}/${actual}", not "${spec.root.name}/${expected}"`;
  const details = {
    hint: 'The mirror serves another package under this name: do not trust it',
    data: { location, expected, actual },
  };
  if (isVerified) throw new SignatureError('signature-wrong-spec', message, details);
  throw new MetadataError('wrong-package', message, details);
}
