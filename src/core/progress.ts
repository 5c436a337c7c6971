// Events of a long operation while it runs. Only operations emit them; the command line renders them.

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
  /** Unpacked; appears once its dependencies have. */
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

/** What every operation takes in addition to its request. */
export interface OperationOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: OnProgress;
}
