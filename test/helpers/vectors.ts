// Loads the vectors that the scripts in test/vectors made with a real Spack's functions.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PrefixMapping } from '../../src/relocation/engine.js';

export type EncodedMapping = readonly (readonly [string, string])[];

export function loadVectors<Case>(name: string): readonly Case[] {
  return JSON.parse(readFileSync(join(process.cwd(), 'test/vectors', name), 'utf8'));
}

export function fromBase64(text: string): Uint8Array {
  return Buffer.from(text, 'base64');
}

export function decodeMapping(mapping: EncodedMapping): PrefixMapping {
  return mapping.map(([from, to]) => [fromBase64(from), fromBase64(to)] as const);
}
