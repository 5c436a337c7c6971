// Relocates every ELF file of this machine with every engine: `npm run conformance:machine -- [--tools] [--first N] [--count N]
// [FOLDER…]`. With `--tools`, readelf and eu-elflint must find no new fault in files that grew. The tests take a sample of the files
// (test/conformance/machine-binaries.test.ts).
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ENGINES } from '../test/engines/engines.js';
import { elflintComplaints, missingTool, readelfComplaints } from '../test/helpers/elf-tools.js';
import { checkMachineFile, elfFilesBelow, MACHINE_FOLDERS } from '../test/helpers/machine-binaries.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    tools: { type: 'boolean', default: false },
    first: { type: 'string', default: '0' },
    count: { type: 'string', default: '1000000' },
  },
});
const first = Number(values.first);
const all = elfFilesBelow(positionals.length > 0 ? positionals : MACHINE_FOLDERS);
const files = all.slice(first, first + Number(values.count));
const tools = [
  ...(missingTool('readelf') ? [] : [readelfComplaints]),
  ...(missingTool('eu-elflint') ? [] : [elflintComplaints]),
];
const folder = mkdtempSync(join(tmpdir(), 'regraft-machine-'));
const results: Record<string, number> = {};
let failed = 0;
const begin = Date.now();
for (const path of files) {
  try {
    const check = { engines: ENGINES, folder, tools: values.tools ? tools : [] };
    const result = await checkMachineFile(path, check);
    results[result] = (results[result] ?? 0) + 1;
  } catch (error) {
    failed++;
    console.error(`${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
rmSync(folder, { recursive: true, force: true });
const engines = ENGINES.map(({ name }) => name);
const milliseconds = Date.now() - begin;
console.log(JSON.stringify({ engines, files: files.length, of: all.length, failed, milliseconds, results }));
process.exitCode = failed === 0 ? 0 : 1;
