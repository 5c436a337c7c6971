// Programs that only unpack the tarballs: they neither verify nor relocate.
import type { Contender, OpenContext } from '../case.js';
import { requireCache } from '../inputs/case-input.js';
import { measureCommand } from '../measure/command.js';
import { programVersion } from './surroundings.js';
import { unpackedVerdict } from './tree-verdict.js';

interface ArchivePeer {
  readonly name: string;
  /** Required programs. */
  readonly programs: readonly string[];
  /** Shell text that unpacks the archive in $1 into the folder $2; a failure on the left of a pipe shows in the result. */
  readonly script: string;
}

const PEERS = {
  tar: { name: 'tar xzf', programs: ['tar', 'gzip'], script: 'tar -xzf "$1" -C "$2"' },
  igzip: {
    name: 'igzip -dc | tar x',
    programs: ['igzip', 'tar'],
    script: 'igzip -dc < "$1" | tar -x -C "$2"',
  },
  pigz: { name: 'pigz -dc | tar x', programs: ['pigz', 'tar'], script: 'pigz -dc < "$1" | tar -x -C "$2"' },
  libdeflate: {
    name: 'libdeflate-gunzip | tar x',
    programs: ['libdeflate-gunzip', 'tar'],
    script: 'libdeflate-gunzip -c < "$1" | tar -x -C "$2"',
  },
  bsdtar: { name: 'bsdtar xzf', programs: ['bsdtar'], script: 'bsdtar -xzf "$1" -C "$2"' },
  python: {
    name: 'Python tarfile',
    programs: ['python3'],
    script: `python3 -c 'import sys, tarfile; tarfile.open(sys.argv[1]).extractall(sys.argv[2])' "$1" "$2"`,
  },
} as const satisfies Readonly<Record<string, ArchivePeer>>;

export type ArchivePeerName = keyof typeof PEERS;

/** A program that unpacks every tarball of the input, one after another. */
export function archivePeer(which: ArchivePeerName): Contender {
  const peer: ArchivePeer = PEERS[which];
  return {
    name: peer.name,
    async open({ input, environment }: OpenContext) {
      const lacking = peer.programs.find((program) => programVersion(program) === undefined);
      if (lacking !== undefined) return { missing: `${lacking} is not installed` };
      const cache = requireCache(input);
      const script = `set -e; folder=$1; shift; for archive; do set -- "$archive" "$folder"; ${peer.script}; done`;
      return {
        async run({ folder }) {
          const args = ['-c', script, 'sh', folder, ...cache.tarballs];
          const { sample } = await measureCommand({ program: 'sh', args, environment });
          return { sample, verify: (depth) => unpackedVerdict(folder, depth, cache) };
        },
      };
    },
  };
}
