// Names of temporary files and folders that say whose they are, so that the next run can clear away what a dead process left.
import { randomBytes } from 'node:crypto';
import { hostTag, pidExists } from './process-id.js';

const RANDOM_BYTES = 4;
/** The last part of a name. Between host and random part a `-` may stand. */
const TEMPORARY_NAME = /(?:^|-)(?<pid>\d+)-(?<host>[0-9a-f]{8})-?(?:[0-9a-f]{2})+$/;

/**
 * A new name: the process, its host, and a random part.
 * @param subject - stands in front; a name without one begins with the number of the process.
 */
export function temporaryName(subject = ''): string {
  const random = randomBytes(RANDOM_BYTES).toString('hex');
  return `${subject === '' ? '' : `${subject}-`}${process.pid}-${hostTag()}${random}`;
}

/** Says whether a name was made by a process of this host that is gone. Processes of other hosts cannot be asked. */
export function isAbandonedName(name: string): boolean {
  const { pid, host } = TEMPORARY_NAME.exec(name)?.groups ?? {};
  return pid !== undefined && host === hostTag() && !pidExists(Number(pid));
}
