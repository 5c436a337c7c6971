// The clock that limits are measured by; tests bring their own.

export interface Clock {
  /** In milliseconds; it never goes back. */
  now(): number;
  /** Calls once after some milliseconds, unless the returned function is called before. */
  after(milliseconds: number, callback: () => void): () => void;
}

export const SYSTEM_CLOCK: Clock = {
  now: () => performance.now(),
  after: (milliseconds, callback) => {
    const timer = setTimeout(callback, milliseconds);
    return () => clearTimeout(timer);
  },
};
