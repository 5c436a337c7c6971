// Packages of npm that unpack the tarballs, each in a fresh process: what a Node program would use without regraft.
import { fileURLToPath } from 'node:url';
import type { Contender } from '../case.js';
import { requireCache } from '../inputs/case-input.js';
import { measureCommand } from '../measure/command.js';
import { unpackedVerdict } from './tree-verdict.js';

const SCRIPT = fileURLToPath(new URL('../peers/unpack.js', import.meta.url));

/** The names that `bench/peers/unpack.ts` knows. */
const PEERS = {
  'node-tar': 'tar',
  'DecompressionStream, tar-stream, fs.promises': 'tar-stream',
  'fflate, tar-stream, fs.promises': 'fflate',
} as const;

export type NpmPeerName = keyof typeof PEERS;

export function npmPeer(name: NpmPeerName): Contender {
  return {
    name,
    async open({ input }) {
      const cache = requireCache(input);
      const isThere = await import(PEERS[name]).then(
        () => true,
        () => false,
      );
      if (!isThere) return { missing: `the package "${PEERS[name]}" is not installed` };
      return {
        async run({ folder }) {
          const args = [SCRIPT, name, folder, ...cache.tarballs];
          const { sample } = await measureCommand({ program: process.execPath, args });
          return { sample, verify: (depth) => unpackedVerdict(folder, depth, cache) };
        },
      };
    },
  };
}
