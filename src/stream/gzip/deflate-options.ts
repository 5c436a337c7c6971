// How a block is deflated, on any thread: the same options give the same bytes.
import { constants, type ZlibOptions } from 'node:zlib';

/** The result fits into one piece of output, so a block is one job; it ends at a byte boundary, and the last block is final. */
export function deflateOptions(level: number, length: number, isLast: boolean): ZlibOptions {
  const finishFlush = isLast ? constants.Z_FINISH : constants.Z_SYNC_FLUSH;
  return { level, finishFlush, chunkSize: length + (length >> 8) + 1024 };
}
