// What happens to the files of one package when it moves: FORMATS §5 (Spack `relocate_package`). Plain data, made once
// the buildinfo is known; the new prefixes come in as data, so that this needs no store.
import type { Buildinfo } from '../../buildcache/buildinfo/buildinfo.js';
import type { RelocationRules } from '../../buildcache/relocation-rules.js';
import { MetadataError, RelocationError } from '../../core/errors.js';
import { joinPath, relativePath } from '../names/normalize-path.js';
import { type PathMapping, PrefixMapBuilder } from '../prefixes/prefix-map.js';
import { withAliases } from './root-alias.js';

/** All paths are latin1 strings: one character per byte. */
export interface PlanInput {
  readonly buildinfo: Buildinfo;
  /** Where the package will live. */
  readonly newPrefix: string;
  readonly newLayoutRoot: string;
  /** `<unpadded root>/bin/sbang`. */
  readonly newSbangPath: string;
  /** The prefix of the Spack that the store belongs to; undefined counts as the one that built the package. */
  readonly newSpackPrefix: string | undefined;
  /** The new spec's nodes, in the order of `hash_to_prefix` (FORMATS §4), with their new prefixes. */
  readonly newPrefixes: readonly { readonly hash: string; readonly prefix: string }[];
  /** A symbolic link to the new root, for C strings that have no room for that. */
  readonly aliasRoot?: string | undefined;
  /** Those of the Spack that made the package. */
  readonly rules: RelocationRules;
}

/** What to do, for the engines and for people. Lists are relative to the prefix. */
export interface RelocationPlan {
  /** `full`: everything; `text-only`: the package stays, Spack moved; `none`: nothing moved. */
  readonly kind: 'full' | 'text-only' | 'none';
  readonly oldPrefix: string;
  readonly newPrefix: string;
  /** For text files. Identities may be in it: engines drop them for text and C strings. */
  readonly textMapping: PathMapping;
  /** For rpaths, interpreters and links; identities in it match and shield. */
  readonly binaryMapping: PathMapping;
  /** For C strings: the same, but for new prefixes that go by an alias of the root. */
  readonly cStringMapping: PathMapping;
  /** The alias, where the user gave one. */
  readonly aliasRoot: string | undefined;
  readonly textFiles: readonly string[];
  readonly binaryFiles: readonly string[];
  readonly linkFiles: readonly string[];
  readonly rewriteInterpreter: boolean;
  /** Whether link targets that are replaced are normalized. */
  readonly normalizeLinkTargets: boolean;
  /** Rpaths are relative to the file: they are resolved at its old place and made relative at the new one. */
  readonly relativeRpaths: boolean;
  readonly newLayoutRoot: string;
}

/** Longer paths exist on no system; a prefix beyond this is no path. */
const LONGEST_PATH = 4096;

/**
 * Decides how a package moves.
 * @throws RelocationError `old-layout`
 * @throws MetadataError `buildinfo-invalid` for an old prefix that is not an absolute path
 */
export function makePlan(input: PlanInput): RelocationPlan {
  const { buildinfo, newPrefix } = input;
  const oldPrefix = findOldPrefix(buildinfo);
  checkLayout(input);
  const kind = planKind(input, oldPrefix);
  const mappings = makeMappings(input, oldPrefix);
  const { newLayoutRoot, aliasRoot, rules } = input;
  const aliases = aliasRoot === undefined ? [] : [{ root: newLayoutRoot, alias: aliasRoot }];
  return {
    kind,
    oldPrefix,
    newPrefix,
    ...mappings,
    cStringMapping: withAliases(mappings.binaryMapping, aliases),
    aliasRoot,
    textFiles: kind === 'none' ? [] : textFilesOf(input),
    binaryFiles: kind === 'full' ? buildinfo.relocateBinaries : [],
    linkFiles: kind === 'full' ? buildinfo.relocateLinks : [],
    rewriteInterpreter: rules.rewriteInterpreter,
    normalizeLinkTargets: rules.normalizeLinkTargets,
    relativeRpaths: buildinfo.relativeRpaths,
    newLayoutRoot,
  };
}

/** Spack's own `filter_file` leaves backup files behind; before 1.0 they stay as they are. */
function textFilesOf({ buildinfo, rules }: PlanInput): readonly string[] {
  const files = buildinfo.relocateTextfiles;
  return rules.relocateBackupFiles ? files : files.filter((file) => !file.endsWith('~'));
}

function findOldPrefix({ buildpath, relativePrefix }: Buildinfo): string {
  if (relativePrefix !== undefined)
    return checkOldPath('relative_prefix', joinPath(buildpath, relativePrefix));
  throw new MetadataError(
    'buildinfo-invalid',
    'Cannot relocate the package: its buildinfo has no "relative_prefix"',
    {
      hint: 'Push the package again',
      data: { key: 'relative_prefix' },
    },
  );
}

function planKind(input: PlanInput, oldPrefix: string): RelocationPlan['kind'] {
  if (oldPrefix !== input.newPrefix) return 'full';
  const { newSpackPrefix } = input;
  const spackMoved = newSpackPrefix !== undefined && newSpackPrefix !== input.buildinfo.spackprefix;
  return spackMoved ? 'text-only' : 'none';
}

/** Without a hash map only the root can be mapped, so the path below it must stay the same. */
function checkLayout({ buildinfo, newPrefix, newLayoutRoot }: PlanInput): void {
  if (buildinfo.hashToPrefix.size > 0) return;
  const expected = relativePath(newPrefix, newLayoutRoot);
  if (buildinfo.relativePrefix === expected) return;
  throw new RelocationError(
    'old-layout',
    `Cannot relocate the package from "${buildinfo.relativePrefix}" to "${expected}": its buildinfo names no prefixes by hash`,
    {
      hint: 'Install it with the projection it was built with, or push it again with a newer Spack',
      data: { relativePrefix: buildinfo.relativePrefix, expected },
    },
  );
}

interface PlanMappings {
  readonly textMapping: PathMapping;
  readonly binaryMapping: PathMapping;
}

function makeMappings(input: PlanInput, oldPrefix: string): PlanMappings {
  return input.rules.sbangInAllMappings ? oneMapping(input) : separateMappings(input, oldPrefix);
}

/** The mappings in their order (FORMATS §5, 1 to 5); the order decides where several match. */
function separateMappings(input: PlanInput, oldPrefix: string): PlanMappings {
  const { buildinfo } = input;
  const text = new PrefixMapBuilder();
  const binary = new PrefixMapBuilder();
  mapSbang(input, text);
  for (const builder of [text, binary]) {
    mapHashes(input, builder);
    builder.set(oldPrefix, input.newPrefix);
    mapRoot(input, builder);
  }
  // Where sbang was a bash script in Spack's own prefix (before 0.9), scripts still name it there.
  if (buildinfo.spackprefix !== undefined) {
    const old = checkOldPath('spackprefix', buildinfo.spackprefix);
    text.set(`#!/bin/bash ${old}/bin/sbang`, `#!/bin/sh ${input.newSbangPath}`);
  }
  return { textMapping: text.build(), binaryMapping: binary.build() };
}

/** The mapping of Spack 1.x (FORMATS §5: 1, 2 and 4). */
function oneMapping(input: PlanInput): PlanMappings {
  const builder = new PrefixMapBuilder();
  mapSbang(input, builder);
  mapHashes(input, builder);
  mapRoot(input, builder);
  const mapping = builder.build().filter(([from, to]) => from !== to);
  return { textMapping: mapping, binaryMapping: mapping };
}

function mapSbang({ buildinfo, newSbangPath }: PlanInput, builder: PrefixMapBuilder): void {
  const { sbangInstallPath } = buildinfo;
  if (sbangInstallPath) builder.set(checkOldPath('sbang_install_path', sbangInstallPath), newSbangPath);
}

function mapHashes({ buildinfo, newPrefixes }: PlanInput, builder: PrefixMapBuilder): void {
  for (const { hash, prefix } of newPrefixes) {
    const old = buildinfo.hashToPrefix.get(hash);
    if (old !== undefined) builder.set(checkOldPath('hash_to_prefix', old), prefix);
  }
}

function mapRoot({ buildinfo, newLayoutRoot }: PlanInput, builder: PrefixMapBuilder): void {
  builder.set(checkOldPath('buildpath', buildinfo.buildpath), newLayoutRoot);
}

/** Replacing anything but an absolute path would shred the files; a newline would break the cut of text after lines. */
function checkOldPath(key: string, path: string): string {
  if (path.startsWith('/') && path.length <= LONGEST_PATH && !/[\0\n]/.test(path)) return path;
  const shown = path.slice(0, 100);
  throw new MetadataError(
    'buildinfo-invalid',
    `Cannot use "${shown}" in the buildinfo: "${key}" must be an absolute path`,
    {
      data: { key, value: shown },
    },
  );
}
