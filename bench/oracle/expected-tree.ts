// What an unpacked and an installed build cache must look like, found by reading the generated tarballs with common packages and
// the naive rules, member by member, without writing anything.
import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { extract, type Header } from 'tar-stream';
import { digestOfLines, leafLine, maskOf, sizeText } from '../tree-digest.js';
import { naiveCStrings, naiveRpath, naiveText, type TextMapping } from './naive-rules.js';

/** A package of a generated cache. */
export interface ExpectedPackage {
  readonly tarball: string;
  /** The prefix where it was built, and its path below the root. */
  readonly prefix: string;
  readonly oldRoot: string;
}

export interface TreeFacts {
  readonly digest: string;
  readonly size: string;
}

/** The members of all tarballs, unchanged. */
export async function packedTree(packages: readonly ExpectedPackage[]): Promise<TreeFacts> {
  const leaves = new Leaves();
  for (const { tarball } of packages) {
    await forEachMember(tarball, ({ name, mode }, content) => leaves.add(`/${name}`, content, mode));
  }
  return leaves.facts();
}

/** All packages installed below a root: everything outside of `.spack`, with the root masked. */
export async function installedTree(packages: readonly ExpectedPackage[], root: string): Promise<TreeFacts> {
  const leaves = new Leaves();
  for (const { tarball, prefix, oldRoot } of packages) {
    const target = maskOf(root);
    const mapping: TextMapping = [
      [prefix, target + prefix.slice(oldRoot.length)],
      [oldRoot, target],
    ];
    await forEachMember(tarball, ({ name, mode }, content) => {
      if (`/${name}`.includes('/.spack/')) return;
      leaves.add(`/${name}`.slice(oldRoot.length), relocated(content, oldRoot, mapping), mode);
    });
  }
  return leaves.facts();
}

class Leaves {
  readonly #lines: string[] = [];
  #bytes = 0;

  add(name: string, content: Uint8Array, mode: number | undefined): void {
    this.#lines.push(leafLine({ name, content, isExecutable: ((mode ?? 0) & 0o100) !== 0 }));
    this.#bytes += content.length;
  }

  facts(): TreeFacts {
    return { digest: digestOfLines(this.#lines), size: sizeText(this.#lines.length, this.#bytes) };
  }
}

/** The generator lists every file that names a prefix; binaries begin as ELF files do. */
function relocated(content: Buffer, oldRoot: string, mapping: TextMapping): Buffer {
  if (!content.includes(oldRoot)) return content;
  const text = content.toString('latin1');
  const isBinary = text.startsWith('\x7fELF');
  const result = isBinary
    ? naiveCStrings(naiveRpath(text, oldRoot, mapping), mapping)
    : naiveText(text, mapping);
  return Buffer.from(result, 'latin1');
}

async function forEachMember(
  tarball: string,
  visit: (header: Header, content: Buffer) => void,
): Promise<void> {
  const archive = extract();
  const source = createReadStream(tarball);
  source.on('error', (error) => archive.destroy(error));
  source.pipe(createGunzip({ chunkSize: 1 << 20 })).pipe(archive);
  for await (const entry of archive) {
    const parts: Buffer[] = [];
    for await (const part of entry) parts.push(part as Buffer);
    if (entry.header.type === 'file') visit(entry.header, Buffer.concat(parts));
  }
}
