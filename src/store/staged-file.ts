// Random access to one staged file: reads into a reused buffer, edits in place.
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  writeSync,
} from 'node:fs';

/** A file of a stage, open for reading and editing in place. */
export class StagedFile {
  /** As it was when it was opened. */
  readonly size: number;
  readonly #descriptor: number;
  #buffer = new Uint8Array(4096);

  /** Opens a regular file; a symbolic link is not followed. */
  constructor(path: string | Buffer) {
    this.#descriptor = openSync(path, constants.O_RDWR | constants.O_NOFOLLOW);
    this.size = fstatSync(this.#descriptor).size;
  }

  /** The bytes at `offset`, fewer than `length` only at the end of the file. The view is valid until the next read. */
  read(offset: number, length: number): Uint8Array {
    const wanted = Math.max(0, Math.min(length, this.size - offset));
    if (wanted > this.#buffer.length) this.#buffer = new Uint8Array(wanted);
    return this.#buffer.subarray(0, this.readInto(this.#buffer.subarray(0, wanted), offset));
  }

  /** Fills `target` from `offset` on; returns how many bytes there were. */
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
  }
}

/** Opens a file, hands it to `use`, and closes it whatever happens. */
export function withStagedFile<Result>(path: string | Buffer, use: (file: StagedFile) => Result): Result {
  const file = new StagedFile(path);
  try {
    return use(file);
  } finally {
    file.close();
  }
}

export interface HeaderCopy {
  readonly from: Buffer;
  /** Must not exist; gets the mode of `from`. */
  readonly to: Buffer;
  /** Stands in place of the first `skip` bytes. */
  readonly header: Uint8Array;
  readonly skip: number;
}

const COPY_SIZE = 1 << 20;

/** Copies a file with another beginning. */
export function copyWithHeader({ from, to, header, skip }: HeaderCopy): void {
  withStagedFile(from, (source) => {
    const target = openSync(to, 'wx', 0o600);
    try {
      writeFully(target, header);
      for (let offset = skip; offset < source.size; offset += COPY_SIZE)
        writeFully(target, source.read(offset, COPY_SIZE));
      source.copyModeTo(target);
    } finally {
      closeSync(target);
    }
  });
}

/** Writes all of the bytes at the descriptor's position. */
export function writeFully(descriptor: number, bytes: Uint8Array): void {
  let done = 0;
  while (done < bytes.length) done += writeSync(descriptor, bytes, done, bytes.length - done);
}

/** The bytes of a file of a stage, read as they are asked for. */
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
