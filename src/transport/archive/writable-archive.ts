// An archive to write to. Nobody else sees anything of it until it is finished.
import type { ObjectWriter } from '../object-store.js';
import { ArchiveDraft } from './draft.js';
import { ArchiveStore } from './store.js';
import { ArchiveWriter } from './writer.js';

/** What is written can be read at once. Tags are good for this run. */
export class WritableArchive extends ArchiveStore {
  override readonly writer: ObjectWriter;
  readonly #draft: ArchiveDraft;

  constructor(draft: ArchiveDraft) {
    const writer = new ArchiveWriter(draft);
    super({ source: draft, writer });
    this.writer = writer;
    this.#draft = draft;
  }

  /**
   * Puts the archive in place under its name, durable, in one step; then it can only be read. One to which nothing was done stays as it is.
   * @throws MirrorError `mirror-changed` when somebody else has replaced the archive meanwhile, `mirror-full`, `mirror-read-only`,
   * `mirror-write-failed`; then the old one is left as it is.
   */
  finish(): Promise<void> {
    return this.#draft.finish();
  }

  /** Drops everything that was not finished. */
  close(): Promise<void> {
    return this.#draft.drop();
  }
}

/**
 * Opens a tar archive to write to: a new one, or one that is there, whose members stay.
 * @example
 * const archive = await openArchiveForWriting('cache.tar');
 * try {
 *   await writeObject(archive.writer, { path: 'a/b', bytes });
 *   await archive.finish();
 * } finally {
 *   await archive.close();
 * }
 * @throws MirrorError as `ArchiveStore.open` for an archive that cannot be read; `mirror-read-only`, `mirror-write-failed`.
 */
export async function openArchiveForWriting(path: string): Promise<WritableArchive> {
  return new WritableArchive(await ArchiveDraft.begin(path));
}
