// Carries out a relocation plan on a staged tree, file by file: rpaths, then C strings of the result; text; links.
// Rules and kernels come from relocation/, access to the files from store/.
import { readlinkSync, symlinkSync, unlinkSync } from 'node:fs';
import { type BuildcacheError, RelocationError } from '../core/errors.js';
import type { CStringReplacer, ElfPatcher, PrefixMapping, RelocationEngine } from '../relocation/engine.js';
import { relocateLinkTarget } from '../relocation/links.js';
import type { RelocationPlan } from '../relocation/plan.js';
import { encodeMapping } from '../relocation/prefix-map.js';
import { replaceTextChunks } from '../relocation/text-chunks.js';
import { type StagedFile, withStagedFile } from '../store/staged-file.js';
import { rewriteTextFile } from '../store/staged-text.js';
import type { StagedMember, StagedTree } from '../store/staged-tree.js';
import { displayPath, type SafePath } from '../tar/safe-path.js';

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
  readonly engine: RelocationEngine;
  readonly onWarning: (message: string) => void;
}

/**
 * Relocates the listed files of a staged package.
 * @throws RelocationError `listed-file-missing`, `cannot-grow-string`, `cannot-shrink-string`, `cannot-grow-rpath`, `text-too-large`
 */
export function relocateTree(request: RelocateTreeRequest): RelocationCounts {
  const files = new ListedFiles(request.tree, request.root);
  // In this order, so that of several reasons to fail the same one is told as by Spack.
  const links = relocateLinks(request, files);
  const { binaries, rpaths, cStrings } = relocateBinaries(request, files);
  const text = relocateTexts(request, files);
  return { text, binaries, rpaths, cStrings, links };
}

/** Looks up the files that a buildinfo lists; a name of a hard link group that was seen is not given out again. */
class ListedFiles {
  readonly #seen = new Set<number>();
  readonly #tree: StagedTree;
  readonly #root: SafePath;

  constructor(tree: StagedTree, root: SafePath) {
    this.#tree = tree;
    this.#root = root;
  }

  /** The members of regular files, each inode once. */
  *regular(names: readonly string[]): Generator<{ name: string; path: SafePath }> {
    for (const name of names) {
      const { path, member } = this.find(name, 'file');
      if (this.#seen.has(member.inode)) continue;
      this.#seen.add(member.inode);
      yield { name, path };
    }
  }

  find<Kind extends 'file' | 'symlink'>(name: string, kind: Kind) {
    const path = `${this.#root}/${name}` as SafePath;
    const member = this.#tree.members.get(path);
    if (member?.kind !== kind) throw missing(name, kind, member);
    return { path, member: member as Extract<StagedMember, { kind: Kind }> };
  }

  /** Forgets which inodes were given out: the text and the binary list are independent of each other. */
  restart(): void {
    this.#seen.clear();
  }
}

function relocateLinks({ tree, plan, onWarning }: RelocateTreeRequest, files: ListedFiles): number {
  const mapping = encodeMapping(plan.binaryMapping);
  return plan.linkFiles.filter((name) => {
    const location = tree.locate(files.find(name, 'symlink').path);
    return relocateLink({ name, location, mapping, onWarning });
  }).length;
}

interface LinkRequest {
  readonly name: string;
  readonly location: Buffer;
  readonly mapping: PrefixMapping;
  readonly onWarning: (message: string) => void;
}

function relocateLink({ name, location, mapping, onWarning }: LinkRequest): boolean {
  const old = readlinkSync(location, { encoding: 'buffer' });
  const { target, matched, leadsOutside } = relocateLinkTarget(old, mapping);
  if (leadsOutside)
    onWarning(`The link "${displayPath(name)}" leads to "${old.toString()}", which is in no known prefix`);
  if (!matched) return false;
  unlinkSync(location);
  symlinkSync(target as Buffer, location);
  return true;
}

function relocateTexts({ tree, plan, engine }: RelocateTreeRequest, files: ListedFiles): number {
  if (plan.textFiles.length === 0) return 0;
  const replacer = engine.createTextReplacer(encodeMapping(plan.textMapping));
  const rewriter = {
    rewrite: (text: Uint8Array) => replacer.replace(text),
    rewriteChunks: (chunks: Iterable<Uint8Array>) => replaceTextChunks(replacer, chunks),
  };
  const groups = tree.hardLinkGroups();
  let changed = 0;
  files.restart();
  for (const { name, path } of files.regular(plan.textFiles)) {
    const otherNames = (groups.get(path) ?? [])
      .filter((other) => other !== path)
      .map((other) => tree.locate(other));
    const rewrite = () => rewriteTextFile({ path: tree.locate(path), otherNames }, rewriter);
    if (namingFile(name, rewrite)) changed++;
  }
  return changed;
}

function relocateBinaries({ tree, plan, engine }: RelocateTreeRequest, files: ListedFiles) {
  const counts = { binaries: 0, rpaths: 0, cStrings: 0 };
  if (plan.binaryFiles.length === 0) return counts;
  const mapping = encodeMapping(plan.binaryMapping);
  const patcher = engine.createElfPatcher(mapping, { rewriteInterpreter: plan.rewriteInterpreter });
  const replacer = engine.createCStringReplacer(mapping);
  const window = new Uint8Array(Math.max(WINDOW_SIZE, replacer.seam * 4));
  files.restart();
  for (const { name, path } of files.regular(plan.binaryFiles)) {
    withStagedFile(tree.locate(path), (file) => {
      const edits = namingFile(name, () => patchElf(file, patcher));
      const strings = namingFile(name, () => replaceCStrings({ file, replacer, window }));
      counts.rpaths += edits;
      counts.cStrings += strings;
      if (edits + strings > 0) counts.binaries++;
    });
  }
  return counts;
}

function patchElf(file: StagedFile, patcher: ElfPatcher): number {
  const edits = patcher.patch(file);
  for (const edit of edits) file.write(edit.offset, edit.bytes);
  return edits.length;
}

const WINDOW_SIZE = 1 << 20;

interface CStringRequest {
  readonly file: StagedFile;
  readonly replacer: CStringReplacer;
  readonly window: Uint8Array;
}

/** Replaces C strings window by window; each window overlaps the last by the replacer's seam. */
function replaceCStrings({ file, replacer, window }: CStringRequest): number {
  let offset = 0;
  let total = 0;
  for (;;) {
    const bytes = window.subarray(0, file.readInto(window, offset));
    const isLast = offset + bytes.length >= file.size;
    const { next, replaced } = atOffset(offset, () => replacer.replace(bytes, 0, isLast));
    if (replaced > 0) file.write(offset, bytes);
    total += replaced;
    if (isLast) return total;
    offset += next;
  }
}

/** Offsets in errors of a window become offsets in the file. */
function atOffset<Result>(offset: number, run: () => Result): Result {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof RelocationError) || typeof error.data.offset !== 'number') throw error;
    const data = { ...error.data, offset: error.data.offset + offset };
    throw new RelocationError(error.code, error.message, { ...detailsOf(error), data });
  }
}

/** An error of a kernel knows the bytes but not the file. */
function namingFile<Result>(name: string, run: () => Result): Result {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof RelocationError)) throw error;
    const path = displayPath(name);
    const data = { ...error.data, path };
    throw new RelocationError(error.code, `Cannot relocate "${path}": ${error.message}`, {
      ...detailsOf(error),
      data,
    });
  }
}

function detailsOf(error: BuildcacheError) {
  return {
    cause: error.cause ?? error,
    retryable: error.retryable,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
  };
}

function missing(name: string, kind: string, member: StagedMember | undefined): RelocationError {
  const path = displayPath(name);
  const state =
    member === undefined ? 'the tarball does not have it' : `it is a ${member.kind}, not a ${kind}`;
  return new RelocationError(
    'listed-file-missing',
    `Cannot relocate "${path}", which the buildinfo lists: ${state}`,
    {
      hint: 'The tarball is not what Spack made: push the package again',
      data: { path },
    },
  );
}
