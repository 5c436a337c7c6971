// How a block is deflated, wherever that happens: the same options give the same bytes.
import { constants, type ZlibOptions } from 'node:zlib';

interface BlockToDeflate {
  readonly level: number;
  /** In bytes. */
  readonly length: number;
  readonly isLast: boolean;
}

/** The result fits one piece of output, so that a block is one job of one thread; its end is at a byte, and final in the last block. */
export function deflateOptions({ level, length, isLast }: BlockToDeflate): ZlibOptions {
  const finishFlush = isLast ? constants.Z_FINISH : constants.Z_SYNC_FLUSH;
  return { level, finishFlush, chunkSize: length + (length >> 8) + 1024 };
}
