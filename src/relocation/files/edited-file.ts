// A file with edits on top, for looking at what else would change: the file itself is never written.
import { applyEditsAt, type Edit } from '../../core/byte-source.js';
import type { EditableFile } from '../../core/editable-file.js';

export class EditedFile implements EditableFile {
  readonly size: number;
  readonly #file: Pick<EditableFile, 'size' | 'readInto'>;
  readonly #edits: Edit[] = [];

  constructor(file: Pick<EditableFile, 'size' | 'readInto'>) {
    this.size = file.size;
    this.#file = file;
  }

  read(offset: number, length: number): Uint8Array {
    const bytes = new Uint8Array(Math.max(0, Math.min(length, this.size - offset)));
    return bytes.subarray(0, this.readInto(bytes, offset));
  }

  readInto(target: Uint8Array, offset: number): number {
    const length = this.#file.readInto(target, offset);
    applyEditsAt(target.subarray(0, length), offset, this.#edits);
    return length;
  }

  write(offset: number, bytes: Uint8Array): void {
    this.#edits.push({ offset, bytes: new Uint8Array(bytes) });
  }
}

/** A file that takes no edits: for steps that read nothing of what they wrote. */
export function unwritten(file: EditableFile): EditableFile {
  return {
    size: file.size,
    read: (offset, length) => file.read(offset, length),
    readInto: (target, offset) => file.readInto(target, offset),
    write: () => {},
  };
}
