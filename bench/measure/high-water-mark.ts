// Makes a long-lived process forget its peak memory before a turn: writing 5 to proc(5) `/proc/…/clear_refs`.
import { writeFileSync } from 'node:fs';

/** Resets the mark of a process; where the system refuses, the mark stays, and the peak is that of all turns so far. */
export function resetHighWaterMark(id: number): void {
  try {
    writeFileSync(`/proc/${id}/clear_refs`, '5');
  } catch {
    // A peak that is too high is on the safe side.
  }
}
