// The option of everything that may wait for something outside the process.

export interface WithSignal {
  /** Aborts the wait; its reason is thrown unchanged. */
  readonly signal?: AbortSignal | undefined;
}
