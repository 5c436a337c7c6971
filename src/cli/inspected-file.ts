// A file named on the command line, opened for inspection.
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { UsageError } from '../core/errors.js';
import { describeSystemError } from '../host/system-error.js';
import type { InspectedFile } from '../operations/query/inspect.js';

const CHUNK_SIZE = 1 << 20;

export interface OpenInspectedFile extends InspectedFile {
  close(): void;
}

/**
 * Opens a regular file.
 * @throws UsageError `usage` when it does not exist, is not a regular file, or cannot be read
 */
export function openInspectedFile(name: string): OpenInspectedFile {
  const descriptor = open(name);
  const status = fstatSync(descriptor);
  if (!status.isFile()) {
    closeSync(descriptor);
    throw new UsageError('usage', `Cannot read "${name}": it is not a regular file`, {
      data: { path: name },
    });
  }
  const { size } = status;
  const read = (offset: number, length: number): Uint8Array => {
    const bytes = new Uint8Array(Math.max(0, Math.min(length, size - offset)));
    return bytes.subarray(0, bytes.length === 0 ? 0 : readSync(descriptor, bytes, 0, bytes.length, offset));
  };
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (let offset = 0; offset < size; offset += CHUNK_SIZE) yield read(offset, CHUNK_SIZE);
  }
  return { name, size, read, chunks, close: () => closeSync(descriptor) };
}

function open(name: string): number {
  try {
    return openSync(name, 'r');
  } catch (cause) {
    throw new UsageError('usage', `Cannot read "${name}": ${describeSystemError(cause)}`, {
      cause,
      data: { path: name },
    });
  }
}
