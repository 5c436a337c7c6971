// What a long operation tells while it runs. Only operations emit these events; the command line renders them.

export type ProgressEvent =
  | {
      readonly type: 'package-started';
      readonly package: string;
      readonly hash: string;
      readonly size: number | undefined;
    }
  | {
      readonly type: 'package-progress';
      readonly package: string;
      readonly hash: string;
      /** Compressed bytes read so far. */
      readonly bytes: number;
      readonly size: number | undefined;
      readonly files: number;
    }
  /** It is unpacked, and appears when what it depends on has. */
  | { readonly type: 'package-waits'; readonly package: string; readonly hash: string }
  | {
      readonly type: 'package-finished';
      readonly package: string;
      readonly hash: string;
      readonly outcome: 'installed' | 'already-installed' | 'pushed' | 'already-there' | 'failed' | 'skipped';
      readonly bytes: number;
      readonly files: number;
      readonly milliseconds: number;
      readonly error?: unknown;
    }
  | { readonly type: 'warning'; readonly code: string; readonly message: string };

export type OnProgress = (event: ProgressEvent) => void;

/** What every operation takes besides its request. */
export interface OperationOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: OnProgress;
}
