// The architecture of an image, in the words of Go (Spack `_oci_archspec_to_gooarch`).
import { familyOf } from '../../spec/query/microarchitecture.js';
import type { Architecture } from '../../spec/spec.js';

const GO_NAMES: ReadonlyMap<string, string> = new Map([
  ['x86_64', 'amd64'],
  ['aarch64', 'arm64'],
]);

export function goArchitecture({ target, targetParents }: Architecture): string {
  const family = familyOf(target, targetParents);
  return GO_NAMES.get(family) ?? family;
}
