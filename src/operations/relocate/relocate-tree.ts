// Carries out a relocation plan on a staged tree, file by file: rpaths, then C strings of the result; text; links.
// Rules and kernels come from relocation/, access to the files from store/.
import { startsWithBytes, toLatin1 } from '../../core/bytes.js';
import type { RelocationError } from '../../core/errors.js';
import type { PrefixMapping, RelocationKernels } from '../../relocation/engine.js';
import { BinaryRelocator } from '../../relocation/files/binary-relocator.js';
import { namingFile } from '../../relocation/files/naming-file.js';
import { type LinkRules, relocateLinkTarget } from '../../relocation/names/links.js';
import { originOf } from '../../relocation/names/relative-rpath.js';
import { type ListedFile, listedFiles, listedLinks } from '../../relocation/plan/listed-files.js';
import type { RelocationPlan } from '../../relocation/plan/plan.js';
import { encodeMapping } from '../../relocation/prefixes/prefix-map.js';
import {
  choiceOf,
  explainRefusal,
  isStringRefusal,
  rootChoices,
  rootLengths,
} from '../../relocation/strings/string-refusal.js';
import { replaceTextChunks } from '../../relocation/text/text-chunks.js';
import { type StagedFile, withStagedFile } from '../../store/staging/staged-file.js';
import { readStagedLink, replaceStagedLink } from '../../store/staging/staged-link.js';
import { rewriteTextFile } from '../../store/staging/staged-text.js';
import type { StagedTree } from '../../store/staging/staged-tree.js';
import { displayPath, type SafePath } from '../../tar/safe-path.js';

/** How many files of each kind were changed. */
export interface RelocationCounts {
  readonly text: number;
  readonly binaries: number;
  readonly rpaths: number;
  readonly cStrings: number;
  readonly links: number;
}

export interface RelocateTreeRequest {
  readonly tree: StagedTree;
  /** The package's root among the names of the archive. */
  readonly root: SafePath;
  readonly plan: RelocationPlan;
  readonly engine: RelocationKernels;
  readonly onWarning: (message: string) => void;
}

/**
 * Relocates the listed files of a staged package.
 * @throws RelocationError `listed-file-missing`, `cannot-grow-string`, `cannot-shrink-string`, `cannot-grow-rpath`, `text-too-large`,
 * `macho-unsupported`, `macho-no-room`, `macho-signed`, `macho-signature`
 */
export function relocateTree(request: RelocateTreeRequest): RelocationCounts {
  // In this order, so that of several reasons to fail the same one is told as by Spack.
  const links = relocateLinks(request);
  const { binaries, rpaths, cStrings } = relocateBinaries(request);
  const text = relocateTexts(request);
  return { text, binaries, rpaths, cStrings, links };
}

function relocateLinks({ tree, root, plan, onWarning }: RelocateTreeRequest): number {
  const rules = { mapping: encodeMapping(plan.binaryMapping), normalize: plan.normalizeLinkTargets };
  return listedLinks(tree.members, root, plan.linkFiles).filter(({ name, path }) =>
    relocateLink({ name, location: tree.locate(path), rules, onWarning }),
  ).length;
}

interface LinkRequest {
  readonly name: string;
  readonly location: Buffer;
  readonly rules: LinkRules;
  readonly onWarning: (message: string) => void;
}

function relocateLink({ name, location, rules, onWarning }: LinkRequest): boolean {
  const old = readStagedLink(location);
  const { target, matched, leadsOutside } = relocateLinkTarget(old, rules);
  if (leadsOutside)
    onWarning(
      `The link "${displayPath(name)}" leads to "${displayPath(toLatin1(old))}", which is in no known prefix`,
    );
  if (!matched) return false;
  replaceStagedLink(location, target);
  return true;
}

function relocateTexts({ tree, root, plan, engine }: RelocateTreeRequest): number {
  if (plan.textFiles.length === 0) return 0;
  const replacer = engine.createTextReplacer(encodeMapping(plan.textMapping));
  const rewriter = {
    rewrite: (text: Uint8Array) => replacer.replace(text),
    rewriteChunks: (chunks: Iterable<Uint8Array>) => replaceTextChunks(replacer, chunks),
  };
  const groups = tree.hardLinkGroups();
  let changed = 0;
  for (const { name, path } of listedFiles(tree.members, root, plan.textFiles)) {
    const otherNames = (groups.get(path) ?? [])
      .filter((other) => other !== path)
      .map((other) => tree.locate(other));
    const rewrite = () => rewriteTextFile({ path: tree.locate(path), otherNames }, rewriter);
    if (namingFile(displayPath(name), rewrite)) changed++;
  }
  return changed;
}

function relocateBinaries(request: RelocateTreeRequest) {
  const { tree, root, plan, engine } = request;
  const counts = { binaries: 0, rpaths: 0, cStrings: 0 };
  if (plan.binaryFiles.length === 0) return counts;
  const relocator = new BinaryRelocator({
    engine,
    mapping: plan.binaryMapping,
    cStringMapping: plan.cStringMapping,
    rewriteInterpreter: plan.rewriteInterpreter,
    replaceIdentity: false,
  });
  const areHitsKnown = isRootOf(tree.hitRoot, encodeMapping(plan.binaryMapping));
  const files = listedFiles(tree.members, root, plan.binaryFiles);
  for (const [index, { name, path }] of files.entries()) {
    const hits = areHitsKnown ? hitsOf(tree, path) : undefined;
    const origin = originOf(plan, name);
    // An rpath relative to the file is no hit.
    if (hits?.length === 0 && origin === undefined) continue;
    withStagedFile(tree.locate(path), (file) => {
      try {
        const { edits, strings } = relocator.relocate({ name: displayPath(name), file, origin, hits });
        counts.rpaths += edits.length;
        counts.cStrings += strings;
        if (edits.length + strings > 0) counts.binaries++;
      } catch (error) {
        if (!isStringRefusal(error)) throw error;
        throw refusal(request, relocator, { error, file, following: files.slice(index + 1) });
      }
    });
  }
  return counts;
}

interface Refused {
  readonly error: RelocationError;
  readonly file: StagedFile;
  readonly following: readonly ListedFile[];
}

/** The files before the refused one had no string without room. */
function refusal(
  { tree, plan }: RelocateTreeRequest,
  relocator: BinaryRelocator,
  { error, file, following }: Refused,
): RelocationError {
  const choice = choiceOf(String(error.data.newPrefix), rootChoices(plan));
  if (choice === undefined) return explainRefusal({ error, file, choice, longest: undefined });
  const room = relocator.room(rootLengths(choice));
  relocator.surveyRest({ file, offset: Number(error.data.offset) }, room);
  for (const { name, path } of following)
    withStagedFile(tree.locate(path), (next) =>
      relocator.survey({ name: displayPath(name), file: next, origin: originOf(plan, name) }, room),
    );
  return explainRefusal({ error, file, choice, longest: room.longestRoot });
}

/** Hits that were recorded on the way count only when what was looked for begins every old prefix. */
function isRootOf(root: Uint8Array | undefined, mapping: PrefixMapping): boolean {
  return root !== undefined && mapping.every(([from]) => startsWithBytes(from, root));
}

function hitsOf(tree: StagedTree, path: SafePath): readonly number[] | undefined {
  const member = tree.members.get(path);
  return member?.kind === 'file' ? tree.hitsOf(member.inode) : undefined;
}
