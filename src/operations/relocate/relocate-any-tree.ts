// Relocates any tree, without metadata that says what to look at: every file is classified by its bytes, and the rules for packages
// (FORMATS §5) apply. All files are looked at before the first is written, so that a tree that cannot move stays as it is.
import { type FileClass, FileClassifier } from '../../buildcache/buildinfo/classify-file.js';
import { fromLatin1, toLatin1 } from '../../core/bytes.js';
import type { RelocationError } from '../../core/errors.js';
import type { PrefixMapping, RelocationEngine, TextReplacer } from '../../relocation/engine.js';
import { BinaryRelocator } from '../../relocation/files/binary-relocator.js';
import { namingFile } from '../../relocation/files/naming-file.js';
import { relocateLinkTarget } from '../../relocation/names/links.js';
import { isBelow, type RootAlias, withAliases } from '../../relocation/plan/root-alias.js';
import { encodeMapping, type PathMapping } from '../../relocation/prefixes/prefix-map.js';
import {
  choiceOf,
  explainRefusal,
  isStringRefusal,
  type RootChoice,
  rootLengths,
} from '../../relocation/strings/string-refusal.js';
import { replaceTextChunks } from '../../relocation/text/text-chunks.js';
import {
  type PrefixFile,
  type PrefixLink,
  type PrefixNode,
  readPrefixTree,
} from '../../store/prefix/prefix-tree.js';
import { checkAlias, ensureAlias, requireAlias } from '../../store/root/alias-root.js';
import { SHEBANG_LIMIT } from '../../store/root/sbang.js';
import { type StagedFile, whileWritable, withStagedFile } from '../../store/staging/staged-file.js';
import { readStagedLink, replaceStagedLink } from '../../store/staging/staged-link.js';
import { rewriteTextFile } from '../../store/staging/staged-text.js';
import { storeIoError } from '../../store/store-io.js';
import { displayPath } from '../../tar/safe-path.js';

export interface RelocateAnyTreeRequest {
  /** A directory, as a byte string. */
  readonly tree: string;
  /** Old and new prefixes; at one place the first that matches wins. */
  readonly mapping: PathMapping;
  readonly engine: RelocationEngine;
  /** Whether signatures of real identities in changed Mach-O files may become those of nobody. */
  readonly replaceIdentity?: boolean | undefined;
  /** Symbolic links that stand for new prefixes in C strings without room; made where they are missing. */
  readonly aliases?: readonly RootAlias[] | undefined;
  /** Only tell what would change. */
  readonly isDryRun?: boolean | undefined;
  readonly onWarning: (message: string) => void;
  readonly signal?: AbortSignal | undefined;
}

export interface ChangedFile {
  /** Below the tree, as a byte string. */
  readonly path: string;
  readonly kind: 'text' | 'binary' | 'link';
  /** Bytes that the file has more than before, where it had to grow. */
  readonly grownBy?: number;
}

export interface AnyTreeReport {
  readonly tree: string;
  readonly engine: RelocationEngine['name'];
  readonly files: number;
  readonly changed: readonly ChangedFile[];
}

/**
 * Relocates what a tree holds; hard links stay hard links.
 * @throws RelocationError `cannot-grow-string`, `cannot-shrink-string`, `cannot-grow-rpath`, `text-too-large`, `macho-unsupported`,
 * `macho-no-room`, `macho-signed`, `macho-signature`, before anything is written
 * @throws StoreError `alias-root-unusable`, `store-io`, `prefix-changed`
 */
export function relocateAnyTree(request: RelocateAnyTreeRequest): AnyTreeReport {
  const aliases = (request.aliases ?? []).map(({ root, alias }) => ({
    root: text(root),
    alias: text(alias),
  }));
  for (const alias of aliases) {
    checkAlias(alias);
    requireAlias(alias);
  }
  const nodes = [...nodesBelow(readPrefixTree(request.tree))];
  const relocator = new TreeRelocator(request, nodes);
  const changed = nodes.flatMap((node) => {
    request.signal?.throwIfAborted();
    return relocator.look(node) ?? [];
  });
  if (!request.isDryRun) {
    for (const alias of aliases) ensureAlias(alias);
    for (const each of changed) relocator.apply(each);
  }
  const files = nodes.filter(({ type }) => type === 'file').length;
  return { tree: request.tree, engine: request.engine.name, files, changed };
}

/** The path that a byte string is. */
function text(path: string): string {
  return Buffer.from(fromLatin1(path)).toString();
}

type Leaf = PrefixFile | PrefixLink;

function* nodesBelow(node: PrefixNode): Generator<Leaf> {
  if (node.type !== 'directory') yield node;
  else for (const child of node.children) yield* nodesBelow(child);
}

const CHUNK_SIZE = 1 << 20;
const [HASH, EXCLAMATION, NEWLINE] = [0x23, 0x21, 0x0a];

class TreeRelocator {
  readonly #request: RelocateAnyTreeRequest;
  readonly #mapping: PrefixMapping;
  readonly #text: TextReplacer;
  readonly #binaries: BinaryRelocator;
  readonly #choices: readonly RootChoice[];
  readonly #nodes: readonly Leaf[];
  /** All names of each file that has several, by each of them; under the first one it is relocated. */
  readonly #names = new Map<string, readonly string[]>();

  constructor(request: RelocateAnyTreeRequest, nodes: readonly Leaf[]) {
    const { engine } = request;
    this.#request = request;
    this.#mapping = encodeMapping(request.mapping);
    this.#text = engine.createTextReplacer(this.#mapping);
    const aliases = request.aliases ?? [];
    this.#binaries = new BinaryRelocator({
      engine,
      mapping: request.mapping,
      cStringMapping: withAliases(request.mapping, aliases),
      rewriteInterpreter: true,
      replaceIdentity: request.replaceIdentity ?? false,
    });
    this.#choices = [
      ...aliases.map(({ alias }) => ({ path: alias, what: 'alias' }) as const),
      ...request.mapping.map(([, to]) => ({ path: to, what: 'prefix' }) as const),
    ];
    this.#nodes = nodes;
    for (const names of hardLinkGroups(nodes)) for (const name of names) this.#names.set(name, names);
  }

  /** What would change; undefined for nothing. */
  look(node: Leaf): ChangedFile | undefined {
    if (node.type === 'symlink') return this.#lookAtLink(node);
    if (this.#namesOf(node.path)[0] !== node.path) return undefined;
    return this.#open(node.path, (file) => {
      const change = this.#lookAtFile(node, file);
      if (change !== undefined && file.names > this.#namesOf(node.path).length)
        this.#request.onWarning(
          `"${displayPath(node.path)}" has other names outside of the tree, whose content may change with it`,
        );
      return change;
    });
  }

  apply({ path, kind }: ChangedFile): void {
    const location = this.#locate(path);
    const folder = this.#locate(path.slice(0, Math.max(0, path.lastIndexOf('/'))));
    const writeBinary = (file: StagedFile) => this.#binaries.relocate({ name: displayPath(path), file });
    this.#try(path, () => {
      if (kind === 'binary') whileWritable(location, () => withStagedFile(location, writeBinary));
      else
        whileWritable(folder, () => {
          if (kind === 'link') this.#writeLink(location);
          else whileWritable(location, () => this.#writeText(path));
        });
    });
  }

  #lookAtFile({ path, name }: PrefixFile, file: StagedFile): ChangedFile | undefined {
    const kind = classify(file, name);
    if (kind === 'binary') return this.#lookAtBinary(path, file);
    return kind === 'text' && this.#changesText(path, file) ? { path, kind } : undefined;
  }

  #lookAtLink({ path, target }: PrefixLink): ChangedFile | undefined {
    const relocated = relocateLinkTarget(fromLatin1(target), { mapping: this.#mapping });
    const isMoved = this.#request.mapping.some(([, to]) => isBelow(target, to));
    if (relocated.leadsOutside && !isMoved)
      this.#request.onWarning(
        `The link "${displayPath(path)}" leads to "${displayPath(target)}", which is in no known prefix`,
      );
    return relocated.matched && toLatin1(relocated.target) !== target ? { path, kind: 'link' } : undefined;
  }

  #lookAtBinary(path: string, file: StagedFile): ChangedFile | undefined {
    try {
      const change = this.#binaries.look({ name: displayPath(path), file });
      if (change === undefined) return undefined;
      return { path, kind: 'binary', ...(change.grownBy > 0 ? { grownBy: change.grownBy } : {}) };
    } catch (error) {
      if (!isStringRefusal(error)) throw error;
      throw this.#refusal(error, path, file);
    }
  }

  /** The error with what would fit all files of the tree, none of which is changed yet. */
  #refusal(error: RelocationError, path: string, file: StagedFile): RelocationError {
    const choice = choiceOf(String(error.data.newPrefix), this.#choices);
    if (choice === undefined) return explainRefusal({ error, file, choice, longest: undefined });
    const room = this.#binaries.room(rootLengths(choice));
    this.#binaries.survey({ name: path, file }, room);
    for (const node of this.#nodes) {
      if (node.type === 'symlink' || node.path === path || this.#namesOf(node.path)[0] !== node.path)
        continue;
      this.#open(node.path, (other) => {
        if (classify(other, node.name) === 'binary')
          this.#binaries.survey({ name: node.path, file: other }, room);
      });
    }
    return explainRefusal({ error, file, choice, longest: room.longestRoot });
  }

  #changesText(path: string, file: StagedFile): boolean {
    return namingFile(displayPath(path), () => {
      let isFirst = true;
      for (const { bytes, replaced } of replaceTextChunks(this.#text, chunksOf(file))) {
        if (replaced && isFirst) this.#checkInterpreterLine(path, bytes);
        if (replaced) return true;
        isFirst = false;
      }
      return false;
    });
  }

  /** An installation gives such scripts a short line; here there is no store to keep a helper in. */
  #checkInterpreterLine(path: string, text: Uint8Array): void {
    const line = text.subarray(0, SHEBANG_LIMIT + 1);
    const isLong = !line.includes(NEWLINE) && line.length > SHEBANG_LIMIT;
    if (text[0] === HASH && text[1] === EXCLAMATION && isLong)
      this.#request.onWarning(
        `The first line of "${displayPath(path)}" has more than ${SHEBANG_LIMIT} bytes now: old kernels cut it`,
      );
  }

  #writeLink(node: Buffer): void {
    const { target } = relocateLinkTarget(readStagedLink(node), { mapping: this.#mapping });
    replaceStagedLink(node, target);
  }

  #writeText(path: string): void {
    const otherNames = this.#namesOf(path).filter((name) => name !== path);
    rewriteTextFile(
      { path: this.#locate(path), otherNames: otherNames.map((name) => this.#locate(name)) },
      {
        rewrite: (text) => this.#text.replace(text),
        rewriteChunks: (chunks) => replaceTextChunks(this.#text, chunks),
      },
    );
  }

  #namesOf(path: string): readonly string[] {
    return this.#names.get(path) ?? [path];
  }

  #locate(path: string): Buffer {
    return Buffer.from(fromLatin1(`${this.#request.tree}/${path}`));
  }

  #open<Result>(path: string, use: (file: StagedFile) => Result): Result {
    return this.#try(path, () => withStagedFile(this.#locate(path), use, { isReadOnly: true }));
  }

  #try<Result>(path: string, operation: () => Result): Result {
    try {
      return operation();
    } catch (cause) {
      throw storeIoError('relocate', displayPath(path), cause);
    }
  }
}

function hardLinkGroups(nodes: readonly Leaf[]): Iterable<readonly string[]> {
  const groups = new Map<string, string[]>();
  for (const node of nodes) {
    if (node.type !== 'file' || node.inode === undefined) continue;
    const names = groups.get(node.inode);
    if (names === undefined) groups.set(node.inode, [node.path]);
    else names.push(node.path);
  }
  return groups.values();
}

function classify(file: StagedFile, name: string): FileClass {
  const classifier = new FileClassifier(name);
  for (const chunk of chunksOf(file)) {
    classifier.push(chunk);
    if (!classifier.mayBeText) break;
  }
  return classifier.finish();
}

function* chunksOf(file: StagedFile): Generator<Uint8Array> {
  for (let offset = 0; offset < file.size; offset += CHUNK_SIZE) yield file.read(offset, CHUNK_SIZE);
}
