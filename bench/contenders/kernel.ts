// Kernels in this process: a call is repeated until it can be measured; its preparation is not counted.
import { createHash } from 'node:crypto';
import type { RelocationEngine } from '../../src/relocation/engine.js';
import { type EngineName, selectEngine } from '../../src/relocation/engines/select.js';
import type { Contender, OpenContext, Outcome, Runner } from '../case.js';
import { type KernelInput, requireBytes } from '../inputs/case-input.js';
import { missingEngine } from './regraft-process.js';

/** One call, ready to be measured. */
export interface KernelCall {
  /** Does the work; the outcome is kept for `result`. */
  readonly run: () => unknown;
  /** Restores the input; not measured. */
  readonly restore?: () => void;
  /** The outcome of the last run, as bytes or numbers that must be equal for all contenders. */
  readonly result: () => Uint8Array | string;
  /** Does the work again and returns a digest of all bytes, if `result` checks less. */
  readonly digest?: () => string | Promise<string>;
}

/** Creates a call for an input; a string says why that is impossible. */
export type MakeKernelCall = (input: KernelInput) => KernelCall | string | Promise<KernelCall | string>;

/** The shortest duration of a turn in milliseconds. */
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

/** Created anew for each turn, and called once: the address of its memory affects its speed, so it must vary within a run. */
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
      if (call === undefined) throw new TypeError('A turn must begin with prepare()');
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

/** A result in the form in which results are compared. */
export function digestOf(result: Uint8Array | string): string {
  return createHash('sha256').update(result).digest('hex');
}
