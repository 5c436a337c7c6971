// What everything takes that may have to wait for something outside of the process.

export interface WithSignal {
  /** Ends the wait; its reason is passed on as it is. */
  readonly signal?: AbortSignal | undefined;
}
