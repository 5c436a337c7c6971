// ELF files of this machine under relocation: each is inspected, rewritten to the same, and grown in a copy that its dynamic linker must
// load as it loads the file itself.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  existsSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  realpathSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { type ElfFile, readElf } from '../../src/binfmt/elf/elf.js';
import { readElfTables } from '../../src/binfmt/elf/elf-tables.js';
import { sourceOfBytes } from '../../src/core/byte-source.js';
import { fromLatin1, toLatin1 } from '../../src/core/bytes.js';
import { type InspectedFile, inspect } from '../../src/operations/query/inspect.js';
import type { PrefixMapping, RelocationEngine } from '../../src/relocation/engine.js';
import { newComplaints } from './elf-tools.js';
import { patchElfEverywhere } from './engine-results.js';

/** `e_machine` and dynamic linker of the machines that Node runs on. */
const MACHINES: Readonly<Record<string, { readonly machine: number; readonly linker: string }>> = {
  x64: { machine: 62, linker: '/lib64/ld-linux-x86-64.so.2' },
  arm64: { machine: 183, linker: '/lib/ld-linux-aarch64.so.1' },
};

/** This machine, where its dynamic linker is glibc's. */
export const MACHINE = [MACHINES[process.arch]].find((machine) => machine && existsSync(machine.linker));

/** Where programs and libraries are. */
export const MACHINE_FOLDERS = ['/usr/bin', '/usr/sbin', '/usr/lib', '/usr/libexec', '/lib', '/lib64'];

/** Every ELF file below some folders, each once. */
export function elfFilesBelow(folders: readonly string[]): readonly string[] {
  const places = new Set(folders.filter(existsSync).map((folder) => realpathSync(folder)));
  return [...new Set([...places].flatMap((folder) => [...filesBelow(folder)]))].sort();
}

function* filesBelow(path: string): Generator<string> {
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    const child = join(path, entry.name);
    if (entry.isDirectory()) yield* filesBelow(child);
    else if (entry.isFile() && isElf(child)) yield child;
  }
}

function isElf(path: string): boolean {
  if (lstatSync(path).size < 64) return false;
  const descriptor = openSync(path, 'r');
  try {
    const magic = Buffer.alloc(4);
    readSync(descriptor, magic, 0, 4, 0);
    return magic.readUInt32BE(0) === 0x7f454c46;
  } finally {
    closeSync(descriptor);
  }
}

/** What was done with a file. */
export type MachineResult =
  | 'grown and loaded'
  | 'grown, but of another machine'
  | 'statically linked'
  | 'nothing in it can grow'
  | 'neither an executable nor a shared library'
  | `not relocatable: ${string}`
  | `cannot grow: ${string}`;

export interface MachineCheck {
  readonly engines: readonly RelocationEngine[];
  /** Copies are written here. */
  readonly folder: string;
  /** What tools say of a file: of a grown one nothing else than before. */
  readonly tools: readonly ((path: string) => readonly string[])[];
}

/** Inspects a file, rewrites it to the same, and grows it. */
export async function checkMachineFile(path: string, check: MachineCheck): Promise<MachineResult> {
  const bytes = readFileSync(path);
  const { kind } = await inspect(inMemory(path, bytes));
  assert.equal(kind, 'elf', `inspect knows ${path}`);
  const elf = readElf(sourceOfBytes(bytes));
  assert.ok(elf);
  const mapping = growingMapping(elf, path);
  checkSame(bytes, mapping, check);
  return grow({ path, bytes, elf, mapping }, check);
}

function inMemory(name: string, bytes: Uint8Array): InspectedFile {
  return {
    name,
    ...sourceOfBytes(bytes),
    async *chunks() {
      yield bytes;
    },
  };
}

/** A mapping of every path in the file to itself changes no byte. */
function checkSame(bytes: Buffer, mapping: PrefixMapping, { engines }: MachineCheck): void {
  for (const rewriteInterpreter of [true, false]) {
    const same = mapping.map(([from]) => [from, from] as const);
    const outcome = patchElfEverywhere(engines, { bytes, mapping: same, rewriteInterpreter });
    assert.ok('bytes' in outcome && outcome.bytes.equals(bytes), 'a rewrite to the same changes nothing');
  }
}

interface GrowingFile {
  readonly path: string;
  readonly bytes: Buffer;
  readonly elf: ElfFile;
  readonly mapping: PrefixMapping;
}

function grow(
  { path, bytes, elf, mapping }: GrowingFile,
  { engines, folder, tools }: MachineCheck,
): MachineResult {
  const outcome = patchElfEverywhere(engines, { bytes, mapping, rewriteInterpreter: true });
  if ('error' in outcome) return `cannot grow: ${String(outcome.error.data.problem)}`;
  if (elf.type !== 2 && elf.type !== 3) return 'neither an executable nor a shared library';
  const problem = elf.dynamicProblem ?? elf.interpreterProblem;
  if (problem !== undefined) return `not relocatable: ${problem}`;
  if (outcome.edits === 0) {
    assert.equal(mapping.length, NEUTRAL, 'what can grow has grown');
    return hasDynamicSection(bytes) ? 'nothing in it can grow' : 'statically linked';
  }
  checkStrings(elf, outcome.bytes, mapping);
  if (elf.class !== 64 || elf.machine !== MACHINE?.machine) return 'grown, but of another machine';
  const copy = join(folder, 'copy');
  writeFileSync(copy, outcome.bytes);
  chmodSync(copy, 0o755);
  assert.deepEqual(loadedBy(copy), loadedBy(path), `the libraries of ${path}`);
  for (const complaints of tools)
    assert.deepEqual(newComplaints(complaints, { before: path, after: copy }), [], `faults of ${path}`);
  return 'grown and loaded';
}

function hasDynamicSection(bytes: Uint8Array): boolean {
  const tables = readElfTables(sourceOfBytes(bytes));
  return !('problem' in tables) && tables.dynamic.length > 0;
}

/** Every string is the one that the mapping makes of it, and the file can be read again. */
function checkStrings(before: ElfFile, bytes: Uint8Array, mapping: PrefixMapping): void {
  const after = readElf(sourceOfBytes(bytes));
  assert.ok(after);
  const mapped = (value: Uint8Array | undefined) => value && mapText(toLatin1(value), mapping);
  const rpathOf = ({ rpath }: ElfFile) => rpath && toLatin1(rpath.value).split(':');
  assert.deepEqual(after.needed.map(toLatin1), before.needed.map(mapped));
  assert.equal(after.soname && toLatin1(after.soname), mapped(before.soname));
  assert.equal(after.interpreter && toLatin1(after.interpreter.value), mapped(before.interpreter?.value));
  assert.deepEqual(
    rpathOf(after),
    rpathOf(before)?.map((entry) => mapText(entry, mapping)),
  );
}

function mapText(text: string, mapping: PrefixMapping): string {
  const [from, to] = mapping.find(([prefix]) => text.startsWith(toLatin1(prefix))) ?? [];
  return from && to ? toLatin1(to) + text.slice(from.length) : text;
}

/** The two mappings of `$ORIGIN`, which every file gets. */
const NEUTRAL = 2;

/**
 * Longer forms of all that a file names, which mean the same: of its interpreter, of rpaths, of libraries where they were found. A copy
 * lies elsewhere, so what is relative to the file becomes absolute.
 */
function growingMapping(elf: ElfFile, path: string): PrefixMapping {
  const home = dirname(path);
  const found = librariesOf(path);
  const pairs = new Map<string, string>([
    ['$ORIGIN', `${home}/./././././.`],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the dynamic linker's own syntax
    ['${ORIGIN}', `${home}/./././././.`],
  ]);
  const absolute = [elf.interpreter?.value, ...(elf.rpath ? splitColons(elf.rpath.value) : [])];
  for (const each of absolute) {
    const text = each && toLatin1(each);
    if (text?.startsWith('/')) pairs.set(text, `/./././.${text}`);
  }
  for (const name of elf.needed.map(toLatin1)) {
    const place = found.get(name);
    if (place !== undefined && !name.startsWith('$')) pairs.set(name, `/./././.${place}`);
  }
  const soname = elf.soname && toLatin1(elf.soname);
  if (soname && !pairs.has(soname)) pairs.set(soname, `/a/longer/place/of/${soname}`);
  // A longer name may begin with a shorter one.
  const sorted = [...pairs].sort(([a], [b]) => b.length - a.length);
  return sorted.map(([from, to]) => [fromLatin1(from), fromLatin1(to)]);
}

function splitColons(rpath: Uint8Array): readonly Uint8Array[] {
  return toLatin1(rpath).split(':').map(fromLatin1);
}

function trace(path: string): string {
  const environment = {
    PATH: '/usr/bin:/bin',
    LD_TRACE_LOADED_OBJECTS: '1',
    LD_BIND_NOW: '1',
    LD_WARN: 'yes',
  };
  const linker = MACHINE?.linker ?? '';
  const { stdout, stderr, status, signal } = spawnSync(linker, [path], {
    env: environment,
    encoding: 'latin1',
  });
  return `${stdout}${stderr}\nexit ${status ?? signal}`;
}

/** Where the dynamic linker finds the libraries of a file, as `ldd` shows it. */
function librariesOf(path: string): ReadonlyMap<string, string> {
  const lines = MACHINE === undefined ? [] : trace(path).split('\n');
  return new Map(
    lines.flatMap((line) => {
      const match = /^\t(\S+) => (\/\S+) \(0x/.exec(line);
      return match?.[1] && match[2] ? [[match[1], match[2]] as const] : [];
    }),
  );
}

/** What the dynamic linker says of a file: whether it is one, and the libraries and missing symbols, by what the paths mean. */
function loadedBy(path: string): readonly string[] {
  const { status } = spawnSync(MACHINE?.linker ?? '', ['--verify', path]);
  const lines = trace(path)
    .replaceAll(path, 'FILE')
    .split('\n')
    .map((line) => line.replace(/\(0x[0-9a-f]+\)/, '').trim())
    .map((line) => line.replace(/^\S+ => /, '').replace(/\/[^\s()]+/g, realPath));
  return [`verify ${status}`, ...new Set(lines)].sort();
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
