// New rpaths and names that hold an old prefix, as when `/opt/spack` becomes `/opt/spack-new`: the C string rule would take them for
// old ones that have no room. They are covered with zeros while it runs.
import type { Edit } from '../../core/byte-source.js';
import type { PrefixMapping } from '../engine.js';

/** The edits to make before C strings are replaced; others than `edits` only where those must be made once more afterwards. */
export function coverEdits(edits: readonly Edit[], mapping: PrefixMapping): readonly Edit[] {
  if (!mayHoldOld(mapping)) return edits;
  return edits.map(({ offset, bytes }) => ({ offset, bytes: new Uint8Array(bytes.length) }));
}

/** Whether a new prefix holds an old one that has become longer; where it has not, the reference, too, replaces it once more. */
function mayHoldOld(mapping: PrefixMapping): boolean {
  const growing = mapping.filter(([from, to]) => to.length > from.length);
  return growing.some(([from]) => mapping.some(([, to]) => Buffer.from(to).includes(Buffer.from(from))));
}
