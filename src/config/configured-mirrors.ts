// The mirrors configured for a user: those of regraft's `mirrors.yaml`, and those of the Spack in $SPACK_ROOT.
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { UsageError } from '../core/errors.js';
import type { Environment } from '../host/environment.js';
import { type ConfiguredMirror, readMirrors } from './mirrors-config.js';
import { spackScopes } from './scopes/spack-scopes.js';
import { ConfigSection } from './spack-config.js';

/** The scope of regraft's own file. */
export const OWN_SCOPE = 'regraft';

/**
 * Reads all configured mirrors in search order. Those of regraft's file come first; the first mirror of a name wins.
 * @throws UsageError `config` naming the file and the key.
 */
export async function configuredMirrors(
  environment: Environment = process.env,
): Promise<readonly ConfiguredMirror[]> {
  const byName = new Map<string, ConfiguredMirror>();
  for (const section of mirrorSections(environment)) {
    for (const mirror of readMirrors(section, { environment })) {
      if (!byName.has(mirror.name)) byName.set(mirror.name, mirror);
    }
  }
  return [...byName.values()];
}

/** regraft's own file of mirrors, which need not exist. */
export function ownMirrorsFile(environment: Environment): string {
  const folder = environment.XDG_CONFIG_HOME || join(environment.HOME ?? homedir(), '.config');
  return join(folder, 'regraft', 'mirrors.yaml');
}

/** regraft's mirrors, and the Spack's. */
function mirrorSections(environment: Environment): readonly ConfigSection[] {
  const own = { name: OWN_SCOPE, path: ownMirrorsFile(environment), file: {} };
  const sections = [ConfigSection.read('mirrors', [own])];
  if (!environment.SPACK_ROOT) return sections;
  const homeFolder = environment.HOME ?? homedir();
  const spack = { spackPrefix: resolve(environment.SPACK_ROOT), environment, homeFolder };
  return [...sections, ConfigSection.read('mirrors', spackScopes(spack))];
}

/** A mirror of one scope, or one that is merged from several. */
export interface ListedMirror {
  readonly name: string;
  /** What the strongest of the scopes is called: `regraft`, or Spack's name for it. */
  readonly scope: string;
  /** The files that have it, the strongest first. */
  readonly files: readonly string[];
  /** Absent where only the scopes that replace it make a mirror of it. */
  readonly mirror?: ConfiguredMirror;
  /** Another scope has a mirror of this name, or replaces all mirrors: nobody uses this one. */
  readonly isOverridden: boolean;
}

/**
 * Lists the mirrors in search order, then those that are overridden.
 * @throws UsageError `config` naming the file and the key.
 */
export function listMirrors(environment: Environment = process.env): readonly ListedMirror[] {
  const used: ListedMirror[] = [];
  const overridden: ListedMirror[] = [];
  for (const section of mirrorSections(environment)) {
    const merged = mergedMirrors(section, environment);
    for (const each of merged) {
      const isOverridden = used.some(({ name }) => name === each.name);
      (isOverridden ? overridden : used).push({ ...each, isOverridden });
    }
    overridden.push(...replacedMirrors(section, environment));
  }
  return [...used, ...overridden];
}

type Merged = Omit<ListedMirror, 'isOverridden'>;

function mergedMirrors(section: ConfigSection, environment: Environment): readonly Merged[] {
  return readMirrors(section, { environment }).map((mirror) => {
    const files = section.originsOf('mirrors', mirror.name);
    const scope = section.parts.findLast(({ file }) => file === files[0])?.scope ?? '';
    return { name: mirror.name, scope, files, mirror };
  });
}

/** What scopes of a section have in vain, the strongest first. */
function replacedMirrors(section: ConfigSection, environment: Environment): readonly ListedMirror[] {
  return section.parts.toReversed().flatMap((part) => {
    const alone = ConfigSection.merge([part]);
    const names = (alone.get('mirrors')?.entries() ?? []).map(([name]) => name);
    return names
      .filter((name) => !isUsed(section, { name, file: part.file }))
      .map((name) => {
        const mirror = readAlone(alone, environment).find((each) => each.name === name);
        const facts = { name, scope: part.scope, files: [part.file], isOverridden: true };
        return mirror === undefined ? facts : { ...facts, mirror };
      });
  });
}

function isUsed(
  section: ConfigSection,
  { name, file }: { readonly name: string; readonly file: string },
): boolean {
  return section.get('mirrors', name) !== undefined && section.originsOf('mirrors', name).includes(file);
}

/** The mirrors of one scope; none if they are whole only with those that replace them. */
function readAlone(section: ConfigSection, environment: Environment): readonly ConfiguredMirror[] {
  try {
    return readMirrors(section, { environment });
  } catch (error) {
    if (error instanceof UsageError) return [];
    throw error;
  }
}
