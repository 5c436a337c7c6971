// Packs an installed prefix: its tar goes through the compressor while the same bytes are classified, so that each file is read once;
// the buildinfo, which says what has to be relocated, is the last member. FORMATS.md §3, §4.
import type { ArchiveRules } from '../../buildcache/archive-rules.js';
import {
  type ContentClassifier,
  type FileClass,
  FileClassifier,
} from '../../buildcache/buildinfo/classify-file.js';
import { Spack1Classifier } from '../../buildcache/buildinfo/classify-spack-1.js';
import {
  type BuildinfoFacts,
  formatBuildinfo,
  formatFlowBuildinfo,
} from '../../buildcache/buildinfo/write-buildinfo.js';
import { BUILDINFO_PATH } from '../../buildcache/package-root.js';
import { type ProbedPrefixes, TextProbe } from '../../relocation/text/text-probe.js';
import { PrefixFileReader } from '../../store/prefix/prefix-file-reader.js';
import { listedOrder, listedTarOrder, tarOrder } from '../../store/prefix/prefix-orders.js';
import {
  type PrefixDirectory,
  type PrefixFile,
  type PrefixLink,
  type PrefixNode,
  readPrefixTree,
} from '../../store/prefix/prefix-tree.js';
import type { ContentSink, WrittenContent } from '../../stream/content-sink.js';
import { endingAfter, type PackedMember, packHeader, paddingAfter } from '../../tar/pack.js';

export interface PackRequest {
  /** Path of the package, as a byte string. */
  readonly prefix: string;
  readonly archive: ArchiveRules;
  /** What a text must hold to be relocated. */
  readonly prefixes: ProbedPrefixes;
  /** The same prefixes, as byte strings. */
  readonly linkPrefixes: readonly string[];
  /** What the buildinfo says besides the lists; byte strings. */
  readonly facts: Omit<BuildinfoFacts, 'relocateTextfiles' | 'relocateBinaries' | 'relocateLinks'>;
  readonly output: ContentSink;
  readonly signal?: AbortSignal | undefined;
  readonly onFile?: (() => void) | undefined;
}

export interface PackResult extends WrittenContent {
  readonly files: number;
  readonly lists: RelocationLists;
}

/** Paths below the prefix, as byte strings. */
export interface RelocationLists {
  readonly relocateTextfiles: readonly string[];
  readonly relocateBinaries: readonly string[];
  readonly relocateLinks: readonly string[];
}

const DIRECTORY_MODE = 0o755;
const EXECUTABLE_MODE = 0o755;
const PLAIN_MODE = 0o644;

/**
 * Packs one prefix.
 * @throws StoreError `store-io`, `prefix-changed`; whatever the output throws
 */
export function packPrefix(request: PackRequest): Promise<PackResult> {
  return new PrefixPacker(request).run();
}

class PrefixPacker {
  readonly #request: PackRequest;
  readonly #output: ContentSink;
  readonly #tree: PrefixDirectory;
  /** For each file with several names, the member that holds its content. */
  readonly #firstNames = new Map<string, string>();
  /** Classes of the files, by inode if they have several names, otherwise by path. */
  readonly #classes = new Map<string, FileClass>();
  #files = 0;

  constructor(request: PackRequest) {
    this.#request = request;
    this.#output = request.output;
    this.#tree = readPrefixTree(request.prefix);
  }

  async run(): Promise<PackResult> {
    await this.#packParents();
    const nodes = tarOrder(this.#tree);
    const isOldBuildinfo = oldBuildinfoTest(nodes);
    for (const node of nodes) {
      this.#request.signal?.throwIfAborted();
      if (!isOldBuildinfo(node)) await this.#pack(node);
    }
    const lists = this.#lists();
    await this.#packBuildinfo(lists);
    await this.#output.writeZeros(endingAfter(this.#output.contentSize));
    return { ...(await this.#output.finish()), files: this.#files, lists };
  }

  async #packParents(): Promise<void> {
    if (!this.#request.archive.withParents) return;
    const components = memberPath(this.#request.prefix, '').split('/');
    for (let count = 1; count < components.length; count++)
      await this.#header({
        type: 'directory',
        path: components.slice(0, count).join('/'),
        mode: DIRECTORY_MODE,
      });
  }

  async #pack(node: PrefixNode): Promise<void> {
    const path = memberPath(this.#request.prefix, node.path);
    if (node.type === 'directory') return this.#header({ type: 'directory', path, mode: DIRECTORY_MODE });
    this.#files++;
    this.#request.onFile?.();
    const mode = node.isExecutable ? EXECUTABLE_MODE : PLAIN_MODE;
    if (node.type === 'symlink') return this.#header({ type: 'symlink', path, mode, linkPath: node.target });
    const first = node.inode === undefined ? undefined : this.#firstNames.get(node.inode);
    if (first !== undefined) return this.#header({ type: 'hardlink', path, mode, linkPath: first });
    if (node.inode !== undefined) this.#firstNames.set(node.inode, path);
    return this.#packFile(node, path, mode);
  }

  async #packFile(node: PrefixFile, path: string, mode: number): Promise<void> {
    const reader = new PrefixFileReader(`${this.#request.prefix}/${node.path}`);
    try {
      await this.#header({ type: 'file', path, mode, size: reader.size });
      this.#classes.set(node.inode ?? node.path, await this.#packContent(node, reader));
      reader.requireUnchanged();
    } finally {
      reader.close();
    }
    await this.#output.writeZeros(paddingAfter(reader.size));
  }

  /** A text file without a prefix needs no relocation, so it counts as data. */
  async #packContent(node: PrefixFile, reader: PrefixFileReader): Promise<FileClass> {
    const classifier = this.#classifierOf(node);
    const probe = new TextProbe(this.#request.prefixes);
    while (reader.remaining > 0) {
      const space = await this.#output.space();
      const bytes = space.subarray(0, reader.read(space));
      classifier.push(bytes);
      if (classifier.mayBeText) probe.push(bytes);
      await this.#output.advance(bytes.length);
      this.#request.signal?.throwIfAborted();
    }
    const fileClass = classifier.finish();
    return fileClass === 'text' && !probe.found ? 'other' : fileClass;
  }

  #classifierOf({ path }: PrefixFile): ContentClassifier {
    const { classification } = this.#request.archive;
    return classification === 'spack-1' ? new Spack1Classifier() : new FileClassifier(path);
  }

  #lists(): RelocationLists {
    const nodes = this.#listedNodes();
    const ofClass = (wanted: FileClass): string[] =>
      nodes
        .filter((node) => node.type === 'file' && this.#classes.get(node.inode ?? node.path) === wanted)
        .map((node) => node.path);
    const links = nodes.filter((node) => node.type === 'symlink' && this.#isRelocatedLink(node.target));
    return {
      relocateTextfiles: ofClass('text'),
      relocateBinaries: ofClass('binary'),
      relocateLinks: links.map((node) => node.path),
    };
  }

  #listedNodes(): readonly (PrefixFile | PrefixLink)[] {
    const { classification } = this.#request.archive;
    return classification === 'spack-1' ? listedTarOrder(this.#tree) : listedOrder(this.#tree);
  }

  /** Spack 1.x takes any of the prefixes, which may lie outside of the root. */
  #isRelocatedLink(target: string): boolean {
    const { archive, facts, linkPrefixes } = this.#request;
    const prefixes = archive.classification === 'spack-1' ? linkPrefixes : [facts.buildpath];
    return prefixes.some((prefix) => target.startsWith(prefix));
  }

  async #packBuildinfo(lists: RelocationLists): Promise<void> {
    const format = this.#request.archive.buildinfo === 'flow' ? formatFlowBuildinfo : formatBuildinfo;
    const bytes = format({ ...this.#request.facts, ...lists });
    const path = memberPath(this.#request.prefix, BUILDINFO_PATH);
    await this.#header({ type: 'file', path, mode: PLAIN_MODE, size: bytes.length });
    await this.#output.write(bytes);
    await this.#output.writeZeros(paddingAfter(bytes.length));
  }

  #header(member: PackedMember): Promise<void> {
    return this.#output.write(packHeader(member));
  }
}

/** Member names are relative to the root of the file system. */
function memberPath(prefix: string, path: string): string {
  const components = `${prefix}/${path}`.split('/').filter((component) => component !== '');
  return components.join('/');
}

/** The buildinfo that came with the installed package is not packed, even under other names. */
function oldBuildinfoTest(nodes: readonly PrefixNode[]): (node: PrefixNode) => boolean {
  const old = nodes.find((node) => node.path === BUILDINFO_PATH);
  const inode = old?.type === 'file' ? old.inode : undefined;
  return (node) => {
    if (node === old && old !== undefined) return node.type !== 'directory';
    return inode !== undefined && node.type === 'file' && node.inode === inode;
  };
}
