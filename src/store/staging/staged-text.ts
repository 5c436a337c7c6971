// Rewrites a staged text file: in place if it fits into memory, else chunk by chunk into a temporary file.
import { closeSync, linkSync, openSync, renameSync, unlinkSync } from 'node:fs';
import { type StagedFile, withStagedFile, writeFully } from './staged-file.js';

/** A file of at most this size is read whole and rewritten in place. */
const WHOLE_FILE_LIMIT = 4 << 20;

export interface StagedTextFile {
  readonly path: Buffer;
  /** The other names of the file's hard link group. */
  readonly otherNames: readonly Buffer[];
}

/** The text rule, for a whole text and for one in chunks. */
export interface TextRewriter {
  /** The new text, or undefined if nothing changes. */
  rewrite(text: Uint8Array): Uint8Array | undefined;
  rewriteChunks(
    chunks: Iterable<Uint8Array>,
  ): Iterable<{ readonly bytes: Uint8Array; readonly replaced: boolean }>;
}

/**
 * Applies a text rule to a file, which keeps all its hard links; a file without a match is not written.
 * @returns whether it was written
 */
export function rewriteTextFile(file: StagedTextFile, rewriter: TextRewriter): boolean {
  return withStagedFile(file.path, (source) =>
    source.size <= WHOLE_FILE_LIMIT
      ? rewriteInPlace(source, rewriter)
      : rewriteBeside(file, source, rewriter),
  );
}

function rewriteInPlace(source: StagedFile, rewriter: TextRewriter): boolean {
  const text = source.read(0, source.size);
  const result = rewriter.rewrite(text);
  if (result === undefined) return false;
  source.write(0, result);
  if (result.length < text.length) source.truncate(result.length);
  return true;
}

function rewriteBeside(file: StagedTextFile, source: StagedFile, rewriter: TextRewriter): boolean {
  const beside = Buffer.concat([file.path, Buffer.from('.regraft-text')]);
  const target = openSync(beside, 'wx', 0o600);
  let changed = false;
  try {
    for (const piece of rewriter.rewriteChunks(chunksOf(source))) {
      changed ||= piece.replaced;
      writeFully(target, piece.bytes);
    }
    source.copyModeTo(target);
  } finally {
    closeSync(target);
    if (!changed) unlinkSync(beside);
  }
  if (changed) takeNames(beside, file);
  return changed;
}

function* chunksOf(source: StagedFile): Generator<Uint8Array> {
  for (let offset = 0; offset < source.size; offset += WHOLE_FILE_LIMIT)
    yield source.read(offset, WHOLE_FILE_LIMIT);
}

function takeNames(beside: Buffer, file: StagedTextFile): void {
  renameSync(beside, file.path);
  for (const name of file.otherNames) {
    unlinkSync(name);
    linkSync(file.path, name);
  }
}
