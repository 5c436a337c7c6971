// The environment of measured processes: without the user's configuration.
import { spawnSync } from 'node:child_process';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Environment of a regraft process, with all its files in one folder. */
export function ownEnvironment(folder: string, environment: Environment): Environment {
  return {
    PATH: environment.PATH,
    REGRAFT_NATIVE: environment.REGRAFT_NATIVE,
    HOME: folder,
    TMPDIR: folder,
    XDG_CONFIG_HOME: `${folder}/config`,
    XDG_CACHE_HOME: `${folder}/cache`,
    XDG_DATA_HOME: `${folder}/data`,
  };
}

/** Programs that do not know `--version`. */
const VERSION_FLAGS: Readonly<Record<string, string>> = { 'libdeflate-gunzip': '-V' };

/** The first line of a program's version, or undefined if there is no such program. */
export function programVersion(
  program: string,
  args: readonly string[] = [VERSION_FLAGS[program] ?? '--version'],
): string | undefined {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  if (status !== 0) return undefined;
  return (stdout || stderr).split('\n', 1)[0]?.trim();
}
