// A file as it would be after edits, for looking at what else would change; nothing is written.
import type { Edit } from '../../core/byte-source.js';
import type { EditableFile } from '../../core/editable-file.js';

export class EditedFile implements EditableFile {
  readonly size: number;
  readonly #file: EditableFile;
  readonly #edits: readonly Edit[];

  constructor(file: EditableFile, edits: readonly Edit[]) {
    this.size = file.size;
    this.#file = file;
    this.#edits = edits;
  }

  read(offset: number, length: number): Uint8Array {
    const bytes = new Uint8Array(Math.max(0, Math.min(length, this.size - offset)));
    return bytes.subarray(0, this.readInto(bytes, offset));
  }

  readInto(target: Uint8Array, offset: number): number {
    const length = this.#file.readInto(target, offset);
    for (const edit of this.#edits) {
      const from = Math.max(edit.offset, offset);
      const to = Math.min(edit.offset + edit.bytes.length, offset + length);
      if (from < to) target.set(edit.bytes.subarray(from - edit.offset, to - edit.offset), from - offset);
    }
    return length;
  }

  write(): void {}

  /** Whether the edits write what is there already. */
  isSame(): boolean {
    return this.#edits.every(({ offset, bytes }) => {
      const there = new Uint8Array(bytes.length);
      const length = this.#file.readInto(there, offset);
      return length === bytes.length && Buffer.compare(there, bytes) === 0;
    });
  }
}
