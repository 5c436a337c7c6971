// What one turn of one contender cost.

export interface Sample {
  /** Milliseconds from start to end. */
  readonly wall: number;
  /** Milliseconds of CPU, user and system, of all processes; absent where it cannot be known. */
  readonly cpu?: number;
  /** Most bytes resident at a time, all processes together; absent where it was not observed. */
  readonly peak?: number;
  /** Part of all processors that others used meanwhile; absent where the turn was too short to tell. */
  readonly others?: number;
}
