// The cost of one turn of one contender.

export interface Sample {
  /** Milliseconds from start to end. */
  readonly wall: number;
  /** Milliseconds of CPU time, user and system, of all processes; absent if unknown. */
  readonly cpu?: number;
  /** Peak resident bytes of all processes together; absent if not observed. */
  readonly peak?: number;
  /** Share of all processors that others used; absent if the turn was too short to tell. */
  readonly others?: number;
}
