// A core, in this thread or in a worker.
import type { ExtractingCore } from '../install/extract.js';
import type { CoreResult } from '../install/package-core.js';

/** A core, wherever it runs. */
export interface CoreHandle extends ExtractingCore {
  readonly files: number;
  complete(): Promise<CoreResult>;
  abandon(): void;
}
