// The home folders of users, from the system's list (passwd(5)); directory services such as LDAP are not asked.
import { readFileSync } from 'node:fs';

const USER_FILE = '/etc/passwd';

/** The home folder of a user; undefined for one whom the system does not know. */
export function userHome(user: string, userFile: string = USER_FILE): string | undefined {
  for (const line of userLines(userFile)) {
    const [name, , , , , home] = line.split(':');
    if (name === user && home) return home;
  }
  return undefined;
}

function userLines(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').split('\n');
  } catch {
    return [];
  }
}
