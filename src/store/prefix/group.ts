// Looks up group numbers in the system's group file (group(5)); does not query directory services such as LDAP.
import { readFileSync } from 'node:fs';
import { UsageError } from '../../core/errors.js';

const GROUP_FILE = '/etc/group';
const NUMBER = /^\d{1,10}$/;

/**
 * Finds the number of a group.
 *
 * @param group - its name, or the number itself.
 * @param groupFile - where names are looked up.
 * @throws UsageError `config` if the system has no group with that name.
 */
export function groupId(group: string, groupFile: string = GROUP_FILE): number {
  if (NUMBER.test(group)) return Number(group);
  for (const line of groupLines(groupFile)) {
    const [name, , number = ''] = line.split(':');
    if (name === group && NUMBER.test(number)) return Number(number);
  }
  throw new UsageError('config', `Cannot find the group "${group}" in "${groupFile}"`, {
    hint: 'Set "packages:<name>:permissions:group" to a group of this machine, or to its number',
    data: { group, path: groupFile },
  });
}

function groupLines(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').split('\n');
  } catch {
    return [];
  }
}
