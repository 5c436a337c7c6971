// Resets the peak memory of a long-lived process before a turn, by writing 5 to proc(5) `/proc/…/clear_refs`.
import { writeFileSync } from 'node:fs';

/** Resets the mark of a process; if the system refuses, the peak is that of all turns so far. */
export function resetHighWaterMark(id: number): void {
  try {
    writeFileSync(`/proc/${id}/clear_refs`, '5');
  } catch {
    // Reporting too high a peak is on the safe side.
  }
}
