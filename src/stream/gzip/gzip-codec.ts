// gzip in the list of codecs.
import { startsWithBytes } from '../../core/bytes.js';
import type { Codec } from '../codec-entry.js';
import { GunzipDecoder } from './gunzip.js';

const MAGIC = Uint8Array.of(0x1f, 0x8b);

export const GZIP = {
  name: 'gzip',
  detectionSize: MAGIC.length,
  detects: (firstBytes) => startsWithBytes(firstBytes, MAGIC),
  usesInflater: true,
  makeDecoder: (options) => new GunzipDecoder(options),
} as const satisfies Codec;
