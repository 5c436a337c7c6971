// Random access to one staged file: reads into a reused buffer, edits in place.
import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  renameSync,
  statSync,
  writeSync,
} from 'node:fs';
import { EMPTY_BYTES } from '../../core/bytes.js';
import type { EditableFile } from '../../core/editable-file.js';
import { SPECIAL_BITS } from '../prefix/permissions.js';

/** The buffer of the last closed file, reused for the next: one for each of thousands of files would be garbage at once. */
let spareBuffer: Uint8Array = EMPTY_BYTES;
const LARGEST_SPARE = 256 * 1024;

/** A staged file, open for reading and editing in place. */
export class StagedFile implements EditableFile {
  /** The size when the file was opened. */
  readonly size: number;
  /** How many names the file has. */
  readonly names: number;
  readonly #descriptor: number;
  #buffer: Uint8Array = takeBuffer();

  /** Opens a regular file, for editing or only for reading; does not follow a symbolic link. */
  constructor(path: string | Buffer, { isReadOnly = false }: { readonly isReadOnly?: boolean } = {}) {
    const access = isReadOnly ? constants.O_RDONLY : constants.O_RDWR;
    this.#descriptor = openSync(path, access | constants.O_NOFOLLOW);
    const { size, nlink } = fstatSync(this.#descriptor);
    this.size = size;
    this.names = nlink;
  }

  /** The bytes at `offset`, fewer than `length` only at the end of the file. The view is valid until the next read. */
  read(offset: number, length: number): Uint8Array {
    const wanted = Math.max(0, Math.min(length, this.size - offset));
    if (wanted > this.#buffer.length) this.#buffer = new Uint8Array(wanted);
    return this.#buffer.subarray(0, this.readInto(this.#buffer.subarray(0, wanted), offset));
  }

  /** Fills `target` with the bytes from `offset` on; returns how many there were. */
  readInto(target: Uint8Array, offset: number): number {
    let filled = 0;
    while (filled < target.length) {
      const count = readSync(this.#descriptor, target, filled, target.length - filled, offset + filled);
      if (count === 0) break;
      filled += count;
    }
    return filled;
  }

  write(offset: number, bytes: Uint8Array): void {
    let done = 0;
    while (done < bytes.length)
      done += writeSync(this.#descriptor, bytes, done, bytes.length - done, offset + done);
  }

  truncate(size: number): void {
    ftruncateSync(this.#descriptor, size);
  }

  copyModeTo(descriptor: number): void {
    fchmodSync(descriptor, fstatSync(this.#descriptor).mode & 0o7777);
  }

  close(): void {
    closeSync(this.#descriptor);
    if (this.#buffer.length <= LARGEST_SPARE) spareBuffer = this.#buffer;
  }
}

/** Files are usually opened one at a time; a second open file gets a new buffer. */
function takeBuffer(): Uint8Array {
  const buffer = spareBuffer.length > 0 ? spareBuffer : new Uint8Array(4096);
  spareBuffer = EMPTY_BYTES;
  return buffer;
}

/** Opens a file, passes it to `use`, and always closes it. */
export function withStagedFile<Result>(
  path: string | Buffer,
  use: (file: StagedFile) => Result,
  options: { readonly isReadOnly?: boolean } = {},
): Result {
  const file = new StagedFile(path, options);
  try {
    return use(file);
  } finally {
    file.close();
  }
}

const OWNER_WRITES = 0o200;

/** Runs an action while the owner may write to a file or folder; its mode is restored afterwards. */
export function whileWritable<Result>(path: Buffer, run: () => Result): Result {
  const mode = statSync(path).mode & 0o7777;
  if ((mode & OWNER_WRITES) !== 0) return run();
  chmodSync(path, mode | OWNER_WRITES);
  try {
    return run();
  } finally {
    chmodSync(path, mode);
  }
}

/** Runs an action that may write to a file. A write clears the special mode bits, so they are set again. */
export function keepingMode<Result>(path: Buffer, run: () => Result): Result {
  const mode = statSync(path).mode & 0o7777;
  const result = run();
  if ((mode & SPECIAL_BITS) !== 0) chmodSync(path, mode);
  return result;
}

export interface NewBeginning {
  readonly path: Buffer;
  /** Replaces the first `skip` bytes. */
  readonly header: Uint8Array;
  readonly skip: number;
}

const COPY_SIZE = 1 << 20;

/** Replaces a file by one with another beginning and the same mode; its other hard links keep the old content. */
export function replaceBeginning({ path, header, skip }: NewBeginning): void {
  const beside = Buffer.concat([path, Buffer.from('.regraft-sbang')]);
  withStagedFile(path, (source) => {
    const target = openSync(beside, 'wx', 0o600);
    try {
      writeFully(target, header);
      for (let offset = skip; offset < source.size; offset += COPY_SIZE)
        writeFully(target, source.read(offset, COPY_SIZE));
      source.copyModeTo(target);
    } finally {
      closeSync(target);
    }
  });
  renameSync(beside, path);
}

export interface StagedOwnership {
  /** Exact mode; undefined keeps it. */
  readonly mode: number | undefined;
  /** Undefined keeps the group. */
  readonly groupId: number | undefined;
}

/** Sets the mode and the group of a staged file or directory; the mode last, since changing the group clears some of its bits. */
export function setOwnership(path: Buffer, { mode, groupId }: StagedOwnership): void {
  if (groupId !== undefined) chownSync(path, -1, groupId);
  if (mode !== undefined) chmodSync(path, mode);
}

/** Writes all the bytes at the descriptor's position. */
export function writeFully(descriptor: number, bytes: Uint8Array): void {
  let done = 0;
  while (done < bytes.length) done += writeSync(descriptor, bytes, done, bytes.length - done);
}

/** A new staged file, written from start to end. */
export class StagedFileWriter {
  readonly #descriptor: number;

  constructor(path: string) {
    this.#descriptor = openSync(path, 'w', 0o600);
  }

  write(bytes: Uint8Array): void {
    writeFully(this.#descriptor, bytes);
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}

/** The bytes of a staged file, read on demand. */
export function stagedFileStream(path: string): ReadableStream<Uint8Array> {
  const file = new StagedFile(path);
  let offset = 0;
  return new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        const bytes = file.read(offset, COPY_SIZE).slice();
        offset += bytes.length;
        if (bytes.length > 0) return controller.enqueue(bytes);
        file.close();
        controller.close();
      },
      cancel: () => file.close(),
    },
    { highWaterMark: 0 },
  );
}
