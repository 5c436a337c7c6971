// The uses of a package index, each step in a separate process: by regraft, and by reading all of it as JSON.
import type { Contender, OpenContext } from '../case.js';
import { indexStep, requireIndex } from '../inputs/case-input.js';
import { nameOfPackage } from '../inputs/index-input.js';
import { type Command, measureCommand } from '../measure/command.js';
import { programVersion } from './surroundings.js';

/** What a step of `bench/index.ts` reports. */
interface StepReport {
  readonly step: string;
  readonly milliseconds: number;
  readonly cpuMilliseconds: number;
  readonly peakMegabytes: number;
  /** Microseconds, if the step handles one item at a time. */
  readonly median?: number;
  readonly p99?: number;
}

/** A step of regraft, by its name in `bench/index.ts`. */
export function indexStepContender(step: string): Contender {
  return {
    name: step,
    async open({ input }: OpenContext) {
      const { folder, packages } = requireIndex(input);
      return {
        async run() {
          const { sample, output } = await measureCommand(indexStep({ step, folder, packages }));
          const report = JSON.parse(output) as StepReport;
          const { milliseconds, cpuMilliseconds, peakMegabytes, median, p99, ...result } = report;
          const times = { ms: milliseconds, 'CPU ms': cpuMilliseconds, MB: peakMegabytes };
          const facts =
            median === undefined || p99 === undefined ? times : { ...times, µs: median, 'p99 µs': p99 };
          const verdict = { kind: step, digest: JSON.stringify(result), ...expectedOf(step, packages) };
          return { sample, facts, verify: () => verdict };
        },
      };
    },
  };
}

/** What a step must find, if the generator knows it. */
function expectedOf(step: string, packages: number): { readonly expected?: string } {
  const found = { name: nameOfPackage(packages >> 1) };
  const results: Readonly<Record<string, object>> = {
    'first use': found,
    'next use': found,
    'list everything': { listed: packages },
  };
  return step in results ? { expected: JSON.stringify({ step, ...results[step] }) } : {};
}

interface JsonReader {
  readonly name: string;
  readonly program: string;
  /** Options before the path of the index. */
  readonly args: readonly string[];
}

const NODE_SCRIPT = `const text = require('fs').readFileSync(process.argv[1], 'utf8');
console.log(Object.keys(JSON.parse(text).database.installs).length)`;
const PYTHON_SCRIPT = 'import json, sys; print(len(json.load(open(sys.argv[1]))["database"]["installs"]))';

/** Reads the whole index at once. */
export function jsonReader({ name, program, args }: JsonReader): Contender {
  return {
    name,
    async open({ input }: OpenContext) {
      if (programVersion(program) === undefined) return { missing: `${program} is not installed` };
      const { indexFile, packages } = requireIndex(input);
      const command: Command = { program, args: [...args, indexFile] };
      return {
        async run() {
          const { sample, output } = await measureCommand(command);
          const verdict = { kind: 'records', digest: output.trim(), expected: String(packages) };
          return { sample, verify: () => verdict };
        },
      };
    },
  };
}

export const JSON_PARSE: JsonReader = {
  name: 'JSON.parse',
  program: process.execPath,
  args: ['-e', NODE_SCRIPT],
};
export const PYTHON_JSON: JsonReader = {
  name: 'Python json',
  program: 'python3',
  args: ['-c', PYTHON_SCRIPT],
};
