// The mirrors configured for a user: those of regraft's `mirrors.yaml`, and those of the Spack in $SPACK_ROOT.
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Environment } from '../host/environment.js';
import { type ConfiguredMirror, readMirrorsConfig } from './mirrors-config.js';

/**
 * Reads all configured mirrors in search order. Those of regraft's file come first; the first mirror of a name wins.
 * @throws UsageError `config` naming the file and the key.
 */
export async function configuredMirrors(
  environment: Environment = process.env,
): Promise<readonly ConfiguredMirror[]> {
  const byName = new Map<string, ConfiguredMirror>();
  for (const file of mirrorFiles(environment)) {
    for (const mirror of await readMirrorsConfig(file, { environment })) {
      if (!byName.has(mirror.name)) byName.set(mirror.name, mirror);
    }
  }
  return [...byName.values()];
}

function mirrorFiles(environment: Environment): string[] {
  const home = environment.HOME ?? homedir();
  const files = [join(environment.XDG_CONFIG_HOME || join(home, '.config'), 'regraft', 'mirrors.yaml')];
  if (environment.SPACK_ROOT) {
    files.push(join(environment.SPACK_USER_CONFIG_PATH || join(home, '.spack'), 'mirrors.yaml'));
    files.push(join(environment.SPACK_ROOT, 'etc', 'spack', 'mirrors.yaml'));
  }
  return files;
}
