// What a variant or a compiler flag must be. The rules differ before and after Spack 1.0, and a node is asked by those of its format.
import type { SpecNode } from '../spec.js';
import { flagsOf, type VariantValue, variantOf } from '../variants.js';

export interface VariantConstraint {
  /** On or off, or values that must all be there. */
  readonly value: boolean | readonly string[];
  /** `:=`: no others may be there. */
  readonly isExact: boolean;
  /** `++x`, `x==v`: said of the node and of everything below it, wherever there is such a variant. */
  readonly isPropagated: boolean;
}

/** The first format of Spack 1.x. */
export const FORMAT_OF_SPACK_1 = 5;

/** Says whether a node has a variant, and as it is wanted. */
export function hasVariant(node: SpecNode, name: string, wanted: VariantConstraint): boolean {
  const value = variantOf(node, name);
  return value !== undefined && fitsValue(name, value, wanted);
}

/** Says whether a node has a variant as it is wanted, or none of that name. */
export function allowsVariant(node: SpecNode, name: string, wanted: VariantConstraint): boolean {
  return variantOf(node, name) === undefined || hasVariant(node, name, wanted);
}

/** Says whether a node was compiled with flags: since Spack 1.0 others may be there, too. */
export function hasFlags(node: SpecNode, name: string, wanted: readonly string[]): boolean {
  const flags = flagsOf(node, name);
  if (node.formatVersion < FORMAT_OF_SPACK_1) return flags.join(' ') === wanted.join(' ');
  return wanted.every((flag) => flags.includes(flag));
}

function fitsValue(
  name: string,
  value: VariantValue,
  { value: wanted, isExact }: VariantConstraint,
): boolean {
  if (typeof wanted === 'boolean') return value === wanted;
  if (wanted.includes('*')) return true;
  if (typeof value === 'boolean') return false;
  const values = typeof value === 'string' ? [value] : value;
  if (values.includes('*')) return true;
  if (isExact && values.some((item) => !wanted.includes(item))) return false;
  if (name === 'patches' && !isExact)
    return wanted.every((start) => values.some((sha256) => sha256.startsWith(start)));
  return wanted.every((item) => values.includes(item));
}
