// Fuzzes ELF and Mach-O patching of every engine against the `js` engine, for as long as it is told:
// `npm run fuzz:binaries -- [ROUNDS] [SEED]`. Each difference names the seed that leads to it.
import { JsEngine } from '../src/relocation/engines/js.js';
import { WasmEngine } from '../src/relocation/engines/wasm.js';
import {
  type Engines,
  elfSpecimens,
  fuzzElf,
  fuzzMacho,
  machoSpecimens,
} from '../test/helpers/binary-fuzz.js';
import { NATIVE } from '../test/helpers/native-engine.js';

const rounds = Number(process.argv[2] ?? 100_000);
const firstSeed = Number(process.argv[3] ?? 1);
const engines: Engines = [new JsEngine(), new WasmEngine(), ...(NATIVE ? [NATIVE] : [])];
const kinds = { elf: elfSpecimens(), macho: machoSpecimens() };
const outcomes = new Map<string, number>();
let differences = 0;

for (let seed = firstSeed; seed < firstSeed + rounds; seed++) {
  try {
    const isMacho = seed % 3 === 0;
    const outcome = isMacho ? fuzzMacho(engines, kinds.macho, seed) : fuzzElf(engines, kinds.elf, seed);
    const name = `${isMacho ? 'Mach-O' : 'ELF'}, ${outcome}`;
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
