// What is known of a file without reading it. Its tag is made of what changes when it is replaced or written to.
import type { BigIntStats } from 'node:fs';

export interface FileFacts {
  readonly size: number;
  readonly tag: string;
}

export function factsOf({ ino, size, mtimeNs }: BigIntStats): FileFacts {
  const tag = `"${ino.toString(16)}-${size.toString(16)}-${mtimeNs.toString(16)}"`;
  return { size: Number(size), tag };
}
