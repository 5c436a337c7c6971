// Python's standard library with the calls that Spack makes: kernels in a long-lived process, and checksum, unpacking and relocation of
// whole packages.
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { Contender, Missing, Runner } from '../case.js';
import { requireBytes, requireCache } from '../inputs/case-input.js';
import { measureCommand } from '../measure/command.js';
import { programVersion } from './surroundings.js';
import { installedVerdict } from './tree-verdict.js';

export const PYTHON = 'python3';

/** Scripts stay with the sources: there is nothing to compile. */
export function scriptPath(name: string): string {
  return fileURLToPath(new URL(`../../../bench/peers/${name}`, import.meta.url));
}

export function missingPython(): Missing | undefined {
  return programVersion(PYTHON) === undefined ? { missing: `${PYTHON} is not installed` } : undefined;
}

export type PythonKernel = 'sha256' | 'inflate' | 'scan' | 'text' | 'strings' | 'tar';

/** A kernel of `bench/peers/kernel_calls.py`. */
export function pythonKernel(name: string, kernel: PythonKernel): Contender {
  return {
    name,
    async open({ input, workFolder }) {
      const missing = missingPython();
      if (missing !== undefined) return missing;
      const { bytes, mapping } = requireBytes(input);
      const [bytesPath, mappingPath] = [join(workFolder, 'bytes'), join(workFolder, 'mapping.json')];
      writeFileSync(bytesPath, bytes);
      writeFileSync(mappingPath, JSON.stringify(mapping.map((pair) => pair.map(latin1))), 'latin1');
      return openKernel([scriptPath('kernel_calls.py'), kernel, bytesPath, mappingPath]);
    },
  };
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}

interface KernelAnswer {
  readonly wall: number;
  readonly cpu: number;
  readonly digest: string;
}

function openKernel(args: readonly string[]): Runner {
  const child: ChildProcessByStdio<Writable, Readable, null> = spawn(PYTHON, args, {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  return {
    async run() {
      child.stdin.write('\n');
      const { done, value } = await lines.next();
      if (done) throw new Error(`"${args.join(' ')}" has ended`);
      const { wall, cpu, digest } = JSON.parse(value) as KernelAnswer;
      return { sample: { wall, cpu }, verify: () => ({ kind: 'results', digest }) };
    },
    async close() {
      if (child.exitCode !== null) return;
      const exit = once(child, 'exit');
      child.stdin.end();
      await exit;
    },
  };
}

/** `bench/peers/install.py`: a fresh process per turn. */
export function pythonInstall(): Contender {
  return {
    name: 'Python: hashlib, tarfile, re',
    async open({ input }) {
      const missing = missingPython();
      if (missing !== undefined) return missing;
      const cache = requireCache(input);
      return {
        async run({ folder }) {
          const root = join(folder, 'opt');
          const args = [scriptPath('install.py'), root, ...cache.tarballs];
          const { sample } = await measureCommand({ program: PYTHON, args });
          return { sample, verify: (depth) => installedVerdict(root, depth, { input: cache }) };
        },
      };
    },
  };
}
