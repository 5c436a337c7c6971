// New rpaths and names that contain an old prefix, as when `/opt/spack` becomes `/opt/spack-new`: the C string rule would take them for
// old ones without room. They are covered with zeros while it runs.
import type { Edit } from '../../core/byte-source.js';
import type { PrefixMapping } from '../engine.js';

/** The edits to make before C strings are replaced; they differ from `edits` only where those must be repeated afterwards. */
export function coverEdits(edits: readonly Edit[], mapping: PrefixMapping): readonly Edit[] {
  if (!mayHoldOld(mapping)) return edits;
  return edits.map(({ offset, bytes }) => ({ offset, bytes: new Uint8Array(bytes.length) }));
}

/** Whether a new prefix contains an old one that became longer; if it did not, the reference replaces it once more, too. */
function mayHoldOld(mapping: PrefixMapping): boolean {
  const growing = mapping.filter(([from, to]) => to.length > from.length);
  return growing.some(([from]) => mapping.some(([, to]) => Buffer.from(to).includes(Buffer.from(from))));
}
