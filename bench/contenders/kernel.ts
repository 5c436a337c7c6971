// Kernels in this process: a call is repeated until it can be measured, what it needs before is not counted.
import { createHash } from 'node:crypto';
import type { RelocationEngine } from '../../src/relocation/engine.js';
import { type EngineName, selectEngine } from '../../src/relocation/engines/select.js';
import type { Contender, OpenContext, Outcome, Runner } from '../case.js';
import { type KernelInput, requireBytes } from '../inputs/case-input.js';
import { missingEngine } from './regraft-process.js';

/** One call, ready to be measured. */
export interface KernelCall {
  /** Does the work; what it gives is kept for `result`. */
  readonly run: () => unknown;
  /** Brings the input back to what it was; not measured. */
  readonly restore?: () => void;
  /** What the last run gave, as the bytes or numbers that must be equal for all. */
  readonly result: () => Uint8Array | string;
  /** Does the work once more and gives all of its bytes as a digest, where `result` looks at less. */
  readonly digest?: () => string | Promise<string>;
}

/** Makes a call for an input; a text says why it cannot be made. */
export type MakeKernelCall = (input: KernelInput) => KernelCall | string | Promise<KernelCall | string>;

/** Milliseconds that a turn lasts at least. */
const SHORTEST_TURN = 200;

/** A way to do a kernel's work. Contenders of one `kind` must give equal results. */
export function kernelContender(name: string, make: MakeKernelCall, kind = 'results'): Contender {
  return {
    name,
    async open({ input }: OpenContext) {
      const bytes = requireBytes(input);
      const made = await make(bytes);
      if (typeof made === 'string') return { missing: made };
      return openCall(() => make(bytes), kind);
    },
  };
}

/** The same kernel of each engine. */
export function engineContenders(
  make: (engine: RelocationEngine, input: KernelInput) => KernelCall,
  names: readonly EngineName[] = ['js', 'wasm', 'native'],
): Contender[] {
  return names.map((name) => ({
    name,
    async open(context: OpenContext) {
      const missing = missingEngine(name, context);
      if (missing !== undefined) return missing;
      const { engine } = selectEngine(name, context.environment);
      return openCall(() => make(engine, requireBytes(context.input)), 'results');
    },
  }));
}

/** Made anew for each turn, and called once: where its memory lies is luck, and must not be the same luck in a whole run. */
function openCall(make: () => ReturnType<MakeKernelCall>, kind: string): Runner {
  let call: KernelCall | undefined;
  return {
    async prepare() {
      const made = await make();
      if (typeof made === 'string') throw new Error(made);
      call = made;
      call.restore?.();
      await call.run();
    },
    async run() {
      if (call === undefined) throw new TypeError('A turn begins with prepare()');
      return measured(call, kind);
    },
  };
}

async function measured(call: KernelCall, kind: string): Promise<Outcome> {
  let [wall, cpu, calls] = [0, 0, 0];
  while (wall < SHORTEST_TURN) {
    call.restore?.();
    const cpuBefore = process.cpuUsage();
    const begin = performance.now();
    await call.run();
    wall += performance.now() - begin;
    const { user, system } = process.cpuUsage(cpuBefore);
    cpu += (user + system) / 1000;
    calls++;
  }
  const verify = async (depth: 'thorough' | 'quick') =>
    depth === 'thorough' && call.digest !== undefined
      ? { kind: 'bytes', digest: await call.digest() }
      : { kind, digest: digestOf(call.result()) };
  return { sample: { wall: wall / calls, cpu: cpu / calls }, verify };
}

/** As results are compared. */
export function digestOf(result: Uint8Array | string): string {
  return createHash('sha256').update(result).digest('hex');
}
