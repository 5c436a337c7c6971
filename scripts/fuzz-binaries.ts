// Fuzzes ELF and Mach-O patching of every engine against the `js` engine, for as long as it is told:
// `npm run fuzz:binaries -- [ROUNDS] [SEED]`. Each difference names the seed that leads to it.
import { JsEngine } from '../src/relocation/engines/js.js';
import { WasmEngine } from '../src/relocation/engines/wasm.js';
import {
  type Engines,
  elfSpecimens,
  fuzzElf,
  fuzzMacho,
  fuzzNames,
  fuzzRpath,
  machoSpecimens,
} from '../test/helpers/binary-fuzz.js';
import { NATIVE } from '../test/helpers/native-engine.js';

const rounds = Number(process.argv[2] ?? 100_000);
const firstSeed = Number(process.argv[3] ?? 1);
const engines: Engines = [new JsEngine(), new WasmEngine(), ...(NATIVE ? [NATIVE] : [])];
const kinds = { elf: elfSpecimens(), macho: machoSpecimens() };
const outcomes = new Map<string, number>();
let differences = 0;

/** Half of the rounds damage ELF files. */
function round(seed: number): string {
  switch (seed % 8) {
    case 0:
      return `rpath, ${fuzzRpath(engines, seed)}`;
    case 1:
      return `names, ${fuzzNames(engines, seed)}`;
    case 2:
    case 3:
      return `Mach-O, ${fuzzMacho(engines, kinds.macho, seed)}`;
    default:
      return `ELF, ${fuzzElf(engines, kinds.elf, seed)}`;
  }
}

for (let seed = firstSeed; seed < firstSeed + rounds; seed++) {
  try {
    const name = round(seed);
    outcomes.set(name, (outcomes.get(name) ?? 0) + 1);
  } catch (error) {
    differences++;
    console.error(error instanceof Error ? error.message : error);
  }
}

for (const [name, count] of [...outcomes].sort()) console.log(`${String(count).padStart(8)}  ${name}`);
const names = engines.map(({ name }) => name).join(', ');
console.log(`${rounds} rounds from seed ${firstSeed} with ${names}: ${differences} differences`);
process.exitCode = differences === 0 ? 0 : 1;
