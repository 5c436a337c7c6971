// The shared files of AWS's tools, `~/.aws/config` and `~/.aws/credentials`: sections with settings, one section for each profile.
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

import { UsageError } from '../../../core/errors.js';
import type { Environment } from '../../../host/environment.js';
import { describeSystemError, isAbsent } from '../../../host/system-error.js';

/** Settings by their lower-case names. */
export type Profile = Readonly<Record<string, string | undefined>>;

/**
 * Reads a profile from both files; what the credentials file says goes first.
 * @param name - the profile that must be there; by default that of `AWS_PROFILE`, which must be there too, else `default`, which need not.
 * @throws UsageError `config` for a file that cannot be read, and for a profile that is not there.
 */
export function readProfile(name: string | undefined, environment: Environment): Profile {
  const section = profileName(name, environment);
  const folder = join(environment.HOME || homedir(), '.aws');
  const config = readSections(environment.AWS_CONFIG_FILE || join(folder, 'config'));
  const credentials = readSections(environment.AWS_SHARED_CREDENTIALS_FILE || join(folder, 'credentials'));
  const found = [config.get(`profile ${section}`) ?? config.get(section), credentials.get(section)];
  const isWanted = namedProfile(name, environment) !== undefined;
  if (isWanted && found.every((each) => each === undefined))
    throw new UsageError('config', `Cannot find the profile "${section}" in the shared files of AWS`, {
      hint: 'Check AWS_PROFILE, the profile of the mirror, and ~/.aws/credentials',
      data: { profile: section },
    });
  return { ...found[0], ...found[1] };
}

/** The name of the profile that `readProfile` reads. */
export function profileName(name: string | undefined, environment: Environment): string {
  return namedProfile(name, environment) ?? 'default';
}

function namedProfile(name: string | undefined, environment: Environment): string | undefined {
  return name || environment.AWS_PROFILE || environment.AWS_DEFAULT_PROFILE || undefined;
}

function readSections(file: string): ReadonlyMap<string, Profile> {
  try {
    return parseSections(readFileSync(file, 'utf8'));
  } catch (cause) {
    if (isAbsent(cause)) return new Map();
    throw new UsageError('config', `Cannot read "${file}": ${describeSystemError(cause)}`, {
      cause,
      data: { file },
    });
  }
}

/** Parses the text of a file. Indented lines are settings of a setting, which nobody asks for. */
export function parseSections(text: string): ReadonlyMap<string, Profile> {
  const sections = new Map<string, Record<string, string>>();
  let section: Record<string, string> | undefined;
  for (const line of text.split(/\r?\n/)) {
    const header = /^\[\s*([^\]]+?)\s*\]/.exec(line)?.[1]?.replace(/\s+/g, ' ').replace(/["']/g, '');
    if (header !== undefined) {
      section = sections.get(header) ?? {};
      sections.set(header, section);
    }
    const [, key, value] = /^([^\s#;[=][^=]*?)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    if (key !== undefined && value !== undefined && section !== undefined) section[key.toLowerCase()] = value;
  }
  return sections;
}
