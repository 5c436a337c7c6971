// Failures of the place that is written to: another package or another mirror does not help against a full disk.
import type { BuildcacheError, ErrorCode } from '../../core/errors.js';

const DESTINATION_FAILURES: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'mirror-full',
  'mirror-read-only',
  'mirror-write-failed',
]);

export function isDestinationFailure({ code }: BuildcacheError): boolean {
  return DESTINATION_FAILURES.has(code);
}
