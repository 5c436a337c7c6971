// Writing to a mirror, where its store has a writer. Objects appear whole or not at all.
import { MirrorError } from '../core/errors.js';
import type { GetOptions, Mirror } from './mirror.js';

/** An object on its way: invisible until it is committed. */
export interface ObjectWriter {
  /** Appends bytes; the caller may reuse their memory afterwards. Errors as `commit`. */
  write(bytes: Uint8Array): Promise<void>;
  /** Makes everything durable that was written, and leaves for `commit` only what cannot take long. Errors as `commit`. */
  prepare(): Promise<void>;
  /**
   * Gives the object its name, in place of one that is there, in one step; afterwards the writer is done.
   * @throws MirrorError `mirror-full`, `mirror-read-only`, `mirror-write-failed`; then nothing is left behind.
   */
  commit(): Promise<void>;
  /** Drops what was written; after `commit` it does nothing. Never throws. */
  discard(): Promise<void>;
}

/** A mirror that can be changed. Paths are those of `Mirror`. */
export interface WritableMirror extends Mirror {
  /**
   * Begins an object.
   * @throws MirrorError `mirror-full`, `mirror-read-only`, `mirror-write-failed`.
   */
  create(path: string, options?: GetOptions): Promise<ObjectWriter>;
  /** Removes an object; one that is not there is fine. Errors as `create`. */
  remove(path: string, options?: GetOptions): Promise<void>;
}

/**
 * The mirror as one that can be written to.
 * @throws MirrorError `mirror-read-only` for mirrors that cannot (http, https).
 */
export function requireWritable(mirror: Mirror): WritableMirror {
  if (isWritable(mirror)) return mirror;
  throw new MirrorError(
    'mirror-read-only',
    `Cannot write to "${mirror.url}": mirrors of this kind are only read`,
    {
      hint: 'Push to the folder that is served there: a path or a file: URL',
      data: { mirror: mirror.url },
    },
  );
}

function isWritable(mirror: Mirror): mirror is WritableMirror {
  return 'create' in mirror && 'remove' in mirror;
}

/**
 * Writes a whole object.
 * @throws MirrorError `mirror-full`, `mirror-read-only`, `mirror-write-failed`; then nothing is left behind.
 */
export async function writeObject(
  mirror: WritableMirror,
  path: string,
  bytes: Uint8Array,
  options: GetOptions = {},
): Promise<void> {
  const writer = await mirror.create(path, options);
  try {
    await writer.write(bytes);
    await writer.prepare();
    await writer.commit();
  } finally {
    await writer.discard();
  }
}
