// One round of differential fuzzing of ELF and Mach-O patching: a damaged file goes through every engine, and all must do to it what the
// first one does. A round follows from its seed alone.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readMacho } from '../../src/binfmt/macho/macho.js';
import { applyEdits, sourceOfBytes } from '../../src/core/byte-source.js';
import { toLatin1 } from '../../src/core/bytes.js';
import { MemoryFile } from '../../src/core/memory-file.js';
import type { FileOrigin, PrefixMapping, RelocationEngine } from '../../src/relocation/engine.js';
import { BinaryRelocator } from '../../src/relocation/files/binary-relocator.js';
import { patchElf } from '../../src/relocation/names/elf-patch.js';
import { ELF_FIXTURES, MACHO_FIXTURES } from './binary-fixtures.js';
import { buildElf } from './elf-builder.js';
import { elfSpecimen, mutate, type Specimen } from './elf-mutations.js';
import {
  fatMacho,
  MACHO_FILES,
  MACHO_LIBRARIES,
  machoFixture,
  machoOfNames,
  machoSpecimen,
  withSignature,
} from './macho-builder.js';
import { assertSameOutcome, type Outcome, outcomeOf, refusalOf } from './patch-outcome.js';
import { SeededRandom } from './seeded-random.js';

export type Engines = readonly [RelocationEngine, ...RelocationEngine[]];

export const ELF_FILES = [
  'libgreet.so.1',
  'libplain-32-little.so',
  'libplain-32-big.so',
  'libplain-64-big.so',
  'hello-pie',
  'hello-exec',
  'hello-lld',
] as const;

const OLD = '/old/store/greet';
const LONG = '/a/much/longer/root/of/another/store/greet';

export function binaryFixture(name: string): Buffer {
  return readFileSync(join(process.cwd(), 'test', 'fixtures-binaries', name));
}

export function latin1Mapping(pairs: readonly (readonly [string, string])[]): PrefixMapping {
  return pairs.map(([from, to]) => [Buffer.from(from, 'latin1'), Buffer.from(to, 'latin1')] as const);
}

/** Mappings under which names shrink, stay, grow, and hide others. */
export const ELF_MAPPINGS: readonly PrefixMapping[] = [
  [[OLD, LONG]],
  [['/old/store', '/n']],
  [[OLD, OLD]],
  [
    [`${OLD}/lib`, `${OLD}/lib`],
    ['/old', `${LONG}/old`],
  ],
  [
    ['libgreet', '/a/longer/place/of/libgreet'],
    ['lib', 'l'],
  ],
  [['/lib', '/lib64/../lib64/../lib']],
  [
    [OLD, LONG],
    ['/lib64/', '/lib64/../lib64/'],
    ['libgreet', '/x/y/z/libgreet'],
  ],
  [],
].map((pairs) => latin1Mapping(pairs as [string, string][]));

const MACHO_MAPPINGS: readonly PrefixMapping[] = [
  [['/old/store', '/n']],
  [[OLD, `${LONG}/${'longer/'.repeat(8)}`]],
  [
    ['/old/store/greet/lib', '/n/lib'],
    ['/old/store/other/lib', '/n/lib'],
    ['@loader_path', '/n/a/longer/path'],
  ],
  [['/elsewhere', '/n']],
  [['/', '//']],
].map((pairs) => latin1Mapping(pairs as [string, string][]));

/** Where files may be, and move to: with paths that lead up, down, and nowhere. */
const ORIGINS: readonly FileOrigin[] = [
  ['/old/store/greet/lib', '/n/greet/lib', '/n'],
  ['/old/store/other/bin', `${LONG}/bin`, '/a/much'],
  ['//old/./store/../store/greet', '/', '/'],
  ['', 'relative/../..', ''],
].map(([old = '', fresh = '', root = '']) => ({
  old: Buffer.from(old),
  new: Buffer.from(fresh),
  root: Buffer.from(root),
}));

/** A third of all files have a place. */
function anyOrigin(random: SeededRandom): FileOrigin | undefined {
  return random.below(3) === 0 ? random.pick(ORIGINS) : undefined;
}

/** The fixtures, and what they become by growth. */
export function elfSpecimens(): readonly Specimen[] {
  const [grow] = ELF_MAPPINGS;
  return ELF_FILES.flatMap((name) => {
    const bytes = binaryFixture(name);
    const edits = patchElf(sourceOfBytes(bytes), { mapping: grow ?? [], rewriteInterpreter: true });
    const grown = Buffer.from(applyEdits(new Uint8Array(bytes), edits));
    return [elfSpecimen(name, bytes), elfSpecimen(`${name}, grown`, grown)];
  });
}

/** The fixtures; fat files; signatures of several directories, and of a real identity. */
export function machoSpecimens(): readonly Specimen[] {
  const plain = MACHO_FILES.map((name) => machoSpecimen(name, machoFixture(name)));
  const libraries = MACHO_LIBRARIES.map(machoFixture);
  const [arm, intel] = libraries as [Buffer, Buffer];
  const signed = withSignature(intel, {
    directories: [{ hashType: 1, flags: 0x10000 }, { hashType: 2, version: 0x20100 }, { hashType: 4 }],
    identity: 300,
  });
  const mixed = withSignature(arm, { directories: [{ hashType: 3, pageShift: 14 }, { hashType: 2 }] });
  const secondAt = 0x4000 + Math.ceil(arm.length / 0x4000) * 0x4000;
  return [
    ...plain,
    machoSpecimen('fat', fatMacho(libraries), [0x4000, secondAt]),
    machoSpecimen('fat, wide', fatMacho(libraries, true), [0x4000, secondAt]),
    machoSpecimen('real identity', signed),
    machoSpecimen('two directories', mixed),
  ];
}

export interface FuzzSpecimens {
  readonly elf: readonly Specimen[];
  readonly macho: readonly Specimen[];
}

/** All linked fixtures, as they are and grown; large ones would make the run longer, and no other. */
export function fuzzSpecimens(): FuzzSpecimens {
  const [grow] = ELF_MAPPINGS;
  const elf = ELF_FIXTURES.flatMap(({ name, bytes }) => {
    const edits = patchElf(sourceOfBytes(bytes), { mapping: grow ?? [], rewriteInterpreter: true });
    const grown = Buffer.from(applyEdits(new Uint8Array(bytes), edits));
    return [elfSpecimen(name, bytes), elfSpecimen(`${name}, grown`, grown)];
  });
  const small = MACHO_FIXTURES.filter(({ bytes }) => bytes.length < 40_000 && isSigned(bytes));
  const macho = small.map(({ name, bytes }) => machoSpecimen(name, bytes));
  return { elf, macho: [...machoSpecimens(), ...macho] };
}

function isSigned(bytes: Uint8Array): boolean {
  const file = readMacho(sourceOfBytes(bytes));
  return file !== undefined && !('problem' in file) && !file.isFat && file.slices[0]?.signature !== undefined;
}

/** One case of the long run, which its seed and index alone decide. Says what happened. */
export function fuzzCase(
  engines: Engines,
  { elf, macho }: FuzzSpecimens,
  { seed, index }: { readonly seed: number; readonly index: number },
): string {
  const mixed = Math.imul(seed, 0x85ebca6b) ^ index;
  switch (index % 8) {
    case 0:
      return `rpath, ${fuzzRpath(engines, mixed)}`;
    case 1:
      return `names, ${fuzzNames(engines, mixed)}`;
    case 2:
    case 3:
      return `Mach-O, ${fuzzMacho(engines, macho, mixed)}`;
    default:
      return `ELF, ${fuzzElf(engines, elf, mixed)}`;
  }
}

const PATH_PIECES = [
  '/old/store',
  '/greet',
  '/lib',
  '/..',
  '/.',
  '//',
  '$ORIGIN',
  '/n',
  'x',
  ':',
  '',
] as const;
const NAME_PIECES = [
  '/old/store',
  '/greet',
  '/lib',
  '/..',
  '//',
  '@loader_path',
  '/n',
  'x.dylib',
  '',
] as const;

/** Paths of pieces that mean something in them, in a file that can hold any. */
export function fuzzRpath(engines: Engines, seed: number): string {
  const random = new SeededRandom(seed);
  const pieces = Array.from({ length: random.between(1, 14) }, () => random.pick(PATH_PIECES));
  const { bytes } = buildElf({
    class: random.pick([32, 64]),
    byteOrder: random.pick(['little', 'big']),
    rpath: pieces.join(random.pick(['', ':', '$ORIGIN'])),
    interpreter: '/old/store/lib/ld.so',
  });
  const mapping = random.pick(PATH_MAPPINGS);
  const origin = anyOrigin(random);
  const patch = (engine: RelocationEngine): Outcome => {
    const patcher = engine.createElfPatcher(mapping, { rewriteInterpreter: false });
    return outcomeOf(bytes, () => patcher.patch(sourceOfBytes(bytes), origin));
  };
  return agreedOutcome(engines, patch, `rpath seed ${seed}`, bytes.length);
}

const PATH_MAPPINGS: readonly PrefixMapping[] = [
  [['/old/store', '/n']],
  [
    ['/old/store/greet', '/n/greet'],
    ['/old', '/'],
  ],
  [
    ['/n', '/n'],
    ['/', '/n/much/longer/'],
  ],
  [],
].map((pairs) => latin1Mapping(pairs as [string, string][]));

/** The same for the names in a Mach-O file's load commands. */
export function fuzzNames(engines: Engines, seed: number): string {
  const random = new SeededRandom(seed);
  const names = Array.from({ length: random.between(1, 6) }, () => ({
    command: random.pick([0x0c, 0x0d, 0x80000018, 0x8000001c, 0x8000001c, 0x8000001f]),
    name: Array.from({ length: random.between(1, 5) }, () => random.pick(NAME_PIECES)).join(''),
  }));
  const bytes = machoOfNames(names, random.below(200));
  const mapping = random.pick(PATH_MAPPINGS);
  const origin = anyOrigin(random);
  const patch = (engine: RelocationEngine): Outcome => {
    const patcher = engine.createMachoPatcher(mapping, { replaceIdentity: false });
    return outcomeOf(bytes, () => patcher.patch(sourceOfBytes(bytes), origin));
  };
  return agreedOutcome(engines, patch, `names seed ${seed}`, bytes.length);
}

function agreedOutcome(
  [first, ...others]: Engines,
  patch: (engine: RelocationEngine) => Outcome,
  what: string,
  size: number,
): string {
  const expected = patch(first);
  for (const engine of others) assertSameOutcome(patch(engine), expected, `${engine.name}, ${what}`);
  return describe(expected, size);
}

/** Says what the round did, for statistics. */
export function fuzzElf(engines: Engines, specimens: readonly Specimen[], seed: number): string {
  const random = new SeededRandom(seed);
  const specimen = random.pick(specimens);
  const bytes = mutate(specimen, random);
  const mapping = random.pick(ELF_MAPPINGS);
  const rewriteInterpreter = random.below(2) === 0;
  const origin = anyOrigin(random);
  const patch = (engine: RelocationEngine): Outcome => {
    const patcher = engine.createElfPatcher(mapping, { rewriteInterpreter });
    return outcomeOf(bytes, () => patcher.patch(sourceOfBytes(bytes), origin));
  };
  return agreedOutcome(engines, patch, `ELF seed ${seed}: ${specimen.name}`, bytes.length);
}

export function fuzzMacho(engines: Engines, specimens: readonly Specimen[], seed: number): string {
  const random = new SeededRandom(seed);
  const specimen = random.pick(specimens);
  const bytes = mutate(specimen, random);
  const mapping = random.pick(MACHO_MAPPINGS);
  const replaceIdentity = random.below(2) === 0;
  const what = random.pick(['patch', 'checkSignable', 'resign', 'relocate'] as const);
  const origin = anyOrigin(random);
  const act = (engine: RelocationEngine): Outcome => {
    const patcher = engine.createMachoPatcher(mapping, { replaceIdentity });
    if (what === 'relocate') return relocated(bytes, { engine, mapping, replaceIdentity, origin });
    return outcomeOf(bytes, () => patcher[what](sourceOfBytes(bytes), origin) ?? []);
  };
  const where = `Mach-O seed ${seed}: ${what} ${specimen.name}`;
  return `${what} ${agreedOutcome(engines, act, where, bytes.length)}`;
}

interface MachoRequest {
  readonly engine: RelocationEngine;
  readonly mapping: PrefixMapping;
  readonly replaceIdentity: boolean;
  readonly origin: FileOrigin | undefined;
}

function relocated(original: Buffer, { engine, mapping, replaceIdentity, origin }: MachoRequest): Outcome {
  const pairs = mapping.map(([from, to]) => [toLatin1(from), toLatin1(to)] as const);
  const relocator = new BinaryRelocator({
    engine,
    mapping: pairs,
    cStringMapping: pairs,
    rewriteInterpreter: true,
    replaceIdentity,
  });
  const file = new MemoryFile(Buffer.from(original));
  try {
    const { edits, strings } = relocator.relocate({ name: 'fuzz', file, origin });
    const isEdited = edits.length + strings > 0;
    return { size: file.bytes.length, isEdited, bytes: Buffer.from(file.bytes), tail: Buffer.alloc(0) };
  } catch (error) {
    return refusalOf(error);
  }
}

function describe(outcome: Outcome, size: number): string {
  if ('code' in outcome) return `${outcome.code}: ${String(outcome.data.problem ?? '')}`;
  if (!outcome.isEdited) return 'unchanged';
  return outcome.size > size ? 'grown' : 'edited';
}
