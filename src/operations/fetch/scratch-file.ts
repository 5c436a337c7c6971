// A file of a stage for what a build cache keeps while it verifies it.
import type { ScratchFile } from '../../mirror/build-cache.js';
import type { Stage } from '../../store/staging/stage.js';
import { StagedFileWriter, stagedFileStream } from '../../store/staging/staged-file.js';

export class StageScratchFile implements ScratchFile {
  readonly #path: string;
  #writer: StagedFileWriter | undefined;

  constructor(stage: Stage) {
    this.#path = stage.file('inner');
  }

  begin(): void {
    this.#writer = new StagedFileWriter(this.#path);
  }

  write(bytes: Uint8Array): void {
    this.#writer?.write(bytes);
  }

  end(): void {
    this.#writer?.close();
    this.#writer = undefined;
  }

  open(): ReadableStream<Uint8Array> {
    return stagedFileStream(this.#path);
  }
}
