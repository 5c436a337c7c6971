// What was removed from a mirror, and why.

export interface PrunedThing {
  readonly reason: 'not-kept' | 'incomplete' | 'unreferenced' | 'unfinished';
  readonly location: string;
  readonly bytes: number;
  /** Of a package. */
  readonly hash?: string;
}
