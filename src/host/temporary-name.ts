// Names of temporary files and folders that say which process owns them, so that the next run can remove what a dead process left.
import { randomBytes } from 'node:crypto';
import { hostTag, pidExists } from './process-id.js';

const RANDOM_BYTES = 4;
/** The last part of a name. There may be a `-` between the host and the random part. */
const TEMPORARY_NAME = /(?:^|-)(?<pid>\d+)-(?<host>[0-9a-f]{8})-?(?:[0-9a-f]{2})+$/;

/**
 * A new name: the process, its host, and a random part.
 * @param subject - comes first; a name without one begins with the process number.
 */
export function temporaryName(subject = ''): string {
  const random = randomBytes(RANDOM_BYTES).toString('hex');
  return `${subject === '' ? '' : `${subject}-`}${process.pid}-${hostTag()}${random}`;
}

/** Says whether a name was made by a process of this host that is gone. Nothing is known of processes on other hosts. */
export function isAbandonedName(name: string): boolean {
  const { pid, host } = TEMPORARY_NAME.exec(name)?.groups ?? {};
  return pid !== undefined && host === hostTag() && !pidExists(Number(pid));
}
