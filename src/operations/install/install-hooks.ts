// What the install hooks do to every file of a package after relocation, listed or not (FORMATS §5): rpaths that lead nowhere are dropped,
// too long `#!` lines get sbang in front, modes and the group become what the configuration says.
import { fromLatin1, toLatin1 } from '../../core/bytes.js';
import { dropMissingRpaths } from '../../relocation/names/missing-rpaths.js';
import { filterShebang, type SbangTarget, SHEBANG_BYTES } from '../../relocation/text/sbang-line.js';
import {
  directoryMode,
  fileMode,
  type PermissionPolicy,
  SPECIAL_BITS,
} from '../../store/prefix/permissions.js';
import type { PrefixView } from '../../store/prefix/prefix-view.js';
import {
  keepingMode,
  replaceBeginning,
  setOwnership,
  withStagedFile,
} from '../../store/staging/staged-file.js';
import type { StagedMember, StagedTree } from '../../store/staging/staged-tree.js';
import { isWithin, type SafePath } from '../../tar/safe-path.js';

export interface InstallHooksRequest {
  readonly tree: StagedTree;
  readonly root: SafePath;
  /** The file system as it will be; undefined where rpaths are left alone (no ELF platform). */
  readonly view: PrefixView | undefined;
  /** Whether the dependencies may still be missing: rpaths whose target is missing are left alone. */
  readonly isAhead: boolean;
  readonly sbang: SbangTarget;
  readonly permissions: PermissionPolicy;
  /** The group that every file gets; undefined leaves it as it is. */
  readonly groupId: number | undefined;
}

export interface HookCounts {
  readonly droppedRpaths: number;
  readonly sbang: number;
}

export interface HookResult {
  readonly counts: HookCounts;
  /** Where files are whose rpaths seemed to lead nowhere ahead of time, for `settleRpaths`; latin1 byte strings. */
  readonly unsettled: readonly string[];
}

/** Runs the hooks over a staged package. */
export function runInstallHooks(request: InstallHooksRequest): HookResult {
  const { tree, view, isAhead } = request;
  const counts = { droppedRpaths: 0, sbang: 0 };
  const unsettled: string[] = [];
  const seen = new Set<number>();
  for (const [path, member] of tree.members) {
    if (!isWithin(path, request.root)) continue;
    if (member.kind === 'file') {
      const isElf = member.content === 'elf' && !seen.has(member.inode);
      if (isElf && view !== undefined && dropRpaths(tree.locate(path), view, { isReadOnly: isAhead })) {
        if (isAhead) unsettled.push(toLatin1(tree.locate(path)));
        else counts.droppedRpaths++;
      }
      if (member.content === 'script' && addSbang(request, path, member)) counts.sbang++;
      seen.add(member.inode);
    }
    setPermissions(request, path, member);
  }
  return { counts, unsettled };
}

/** Drops rpaths that had to wait for what the package depends on; returns in how many files. */
export function settleRpaths(unsettled: readonly string[], view: PrefixView): number {
  return unsettled.filter((path) => {
    const location = fromLatin1(path) as Buffer;
    return keepingMode(location, () => dropRpaths(location, view));
  }).length;
}

/** Whether a file has rpaths that lead nowhere; they are dropped unless it is only to be looked at. */
function dropRpaths(
  location: Buffer,
  view: PrefixView,
  { isReadOnly = false }: { readonly isReadOnly?: boolean } = {},
): boolean {
  return withStagedFile(
    location,
    (file) => {
      const edit = dropMissingRpaths(file, (entry) => isUseful(entry, view));
      if (edit !== undefined && !isReadOnly) file.write(edit.offset, edit.bytes);
      return edit !== undefined;
    },
    { isReadOnly },
  );
}

const DOLLAR = 0x24;
const SLASH = 0x2f;

/** `$ORIGIN` and the like stay, and what is there. */
function isUseful(entry: Uint8Array, view: PrefixView): boolean {
  return entry[0] === DOLLAR || (entry[0] === SLASH && view.exists(toLatin1(entry)));
}

type StagedFileMember = Extract<StagedMember, { kind: 'file' }>;

/** The file is replaced, so other names of a hard link group keep the old content until their turn comes. */
function addSbang({ tree, sbang }: InstallHooksRequest, path: SafePath, member: StagedFileMember): boolean {
  if ((member.mode & 0o111) === 0) return false;
  const location = tree.locate(path);
  const edit = withStagedFile(location, (file) => filterShebang(file.read(0, SHEBANG_BYTES), sbang));
  if (edit === undefined) return false;
  replaceBeginning({ path: location, header: edit.header, skip: edit.replaces });
  return true;
}

function setPermissions(
  { tree, permissions, groupId }: InstallHooksRequest,
  path: SafePath,
  member: StagedMember,
): void {
  if (member.kind === 'symlink') return;
  setOwnership(tree.locate(path), {
    mode: modeOf(member, { permissions, hasNewGroup: groupId !== undefined }),
    groupId,
  });
}

/** Files were made with their mode; only special bits may have been lost since. */
function modeOf(
  member: Exclude<StagedMember, { kind: 'symlink' }>,
  { permissions, hasNewGroup }: { readonly permissions: PermissionPolicy; readonly hasNewGroup: boolean },
): number | undefined {
  if (member.kind === 'directory') return directoryMode(permissions);
  return hasNewGroup || (member.mode & SPECIAL_BITS) !== 0 ? fileMode(permissions, member.mode) : undefined;
}
