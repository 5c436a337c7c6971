// The variants and compiler flags of a node, and how Spack prints them (Spack's documentation, "Variants", "Compiler flags").

import type { JsonValue, SpecNode } from './spec.js';

const COMPILER_FLAGS = ['cflags', 'cppflags', 'cxxflags', 'fflags', 'ldflags', 'ldlibs'] as const;

/** A variant's value: a list if it can have several, true or false, or one text. */
export type VariantValue = boolean | string | readonly string[];

const NEEDS_NO_QUOTES = /^[a-zA-Z0-9,/_.-]+$/;
/** Patches are named by their sha256, which is shortened for display. */
const SHOWN_PATCH_LENGTH = 7;

/** Tells whether a key of `parameters` holds compiler flags. */
export function isCompilerFlag(name: string): boolean {
  return COMPILER_FLAGS.some((flag) => flag === name);
}

/** The value of a variant, or undefined if the node has none of that name. */
export function variantOf(node: SpecNode, name: string): VariantValue | undefined {
  if (isCompilerFlag(name) || !Object.hasOwn(node.parameters, name)) return undefined;
  return asVariantValue(node.parameters[name] ?? null);
}

/** The compiler flags of one kind. */
export function flagsOf(node: SpecNode, name: string): readonly string[] {
  const flags = Object.hasOwn(node.parameters, name) ? node.parameters[name] : undefined;
  return Array.isArray(flags) ? flags.map(String) : [];
}

export interface FormatVariantOptions {
  /** What stands before the values of a variant that can have several; Spack 1.x writes `:=`. */
  readonly listSign?: '=' | ':=';
}

/** Prints one variant: `+x`, `~x` or `x=v`. */
export function formatVariant(
  name: string,
  value: VariantValue,
  { listSign = '=' }: FormatVariantOptions = {},
): string {
  if (typeof value === 'boolean') return `${value ? '+' : '~'}${name}`;
  if (typeof value === 'string') return `${name}=${quoteIfNeeded(value)}`;
  const shown = name === 'patches' ? value.map((sha256) => sha256.slice(0, SHOWN_PATCH_LENGTH)) : value;
  return `${name}${listSign}${quoteIfNeeded(shown.join(','))}`;
}

/** Prints all variants of a node: first the boolean ones, then the others, each after a blank. */
export function formatVariants(node: SpecNode, options: FormatVariantOptions = {}): string {
  const entries = Object.keys(node.parameters)
    .sort()
    .map((name): [string, VariantValue | undefined] => [name, variantOf(node, name)]);
  const switches: string[] = [];
  const others: string[] = [];
  for (const [name, value] of entries) {
    if (value === undefined) continue;
    if (typeof value === 'boolean') switches.push(formatVariant(name, value, options));
    else others.push(` ${formatVariant(name, value, options)}`);
  }
  return switches.join('') + others.join('');
}

/** Prints all compiler flags of a node, each kind after a blank, with a blank after the last. */
export function formatFlags(node: SpecNode): string {
  const kinds = COMPILER_FLAGS.map((name): [string, readonly string[]] => [name, flagsOf(node, name)]);
  const printed = kinds
    .filter(([, flags]) => flags.length > 0)
    .map(([name, flags]) => ` ${name}=${quoteIfNeeded(flags.join(' '))}`);
  return printed.length === 0 ? '' : `${printed.join('')} `;
}

/** Old files contain texts instead of true and false. */
function asVariantValue(value: JsonValue): VariantValue {
  if (Array.isArray(value)) return value.map(String);
  const text = String(value);
  if (/^true$/i.test(text)) return true;
  if (/^false$/i.test(text)) return false;
  return text;
}

function quoteIfNeeded(value: string): string {
  if (NEEDS_NO_QUOTES.test(value)) return value;
  return value.includes("'") ? JSON.stringify(value) : `'${value}'`;
}
