// The inputs of cases: generated build caches on disk, or bytes in memory. Made once, before any measuring.
import {
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { INDEX_PATH } from '../../src/mirror/classic/paths.js';
import type { PrefixMapping } from '../../src/relocation/engine.js';
import type { ExpectedDigests } from '../expectations.js';
import { type Command, measureCommand } from '../measure/command.js';
import type { ExpectedPackage } from '../oracle/expected-tree.js';
import { ExpectedTrees } from '../oracle/expected-trees.js';
import type { PackageRecipe } from './package-archive.js';
import { type CacheRecipe, makeCache, packagePlace } from './package-input.js';

export interface CacheInputRecipe {
  readonly type: 'cache';
  readonly cache: CacheRecipe;
  /** What is installed; their dependencies come along. By default every package. */
  readonly queries?: readonly string[];
}

export interface BytesInputRecipe {
  readonly type: 'bytes';
  readonly name: string;
  readonly make: () => KernelInput | Promise<KernelInput>;
}

/** Specfiles of so many packages, and their index. */
export interface IndexInputRecipe {
  readonly type: 'index';
  readonly packages: number;
}

export type InputRecipe = CacheInputRecipe | BytesInputRecipe | IndexInputRecipe;

/** Bytes for kernels, and the prefixes that they look for. */
export interface KernelInput {
  readonly bytes: Buffer;
  readonly mapping: PrefixMapping;
  /** Unpacked bytes where `bytes` are compressed. */
  readonly unpackedBytes?: number;
  /** What results must be, by kind; found by other means than the contenders'. */
  readonly expected?: ExpectedDigests;
}

/** What a report says about an input. */
export interface InputFacts {
  readonly name: string;
  readonly packages: number;
  readonly files: number;
  readonly compressedBytes: number;
  readonly unpackedBytes: number;
}

export interface CacheInput {
  readonly type: 'cache';
  readonly folder: string;
  readonly tarballs: readonly string[];
  readonly queries: readonly string[];
  /** Names of what is installed, dependencies first. */
  readonly packages: readonly string[];
  /** Where each of them is and was, by name. */
  readonly places: ReadonlyMap<string, ExpectedPackage>;
  /** What tarballs unpack to and packages install to. */
  readonly expected: ExpectedTrees;
  readonly facts: InputFacts;
}

export interface BytesInput {
  readonly type: 'bytes';
  readonly kernel: KernelInput;
  readonly facts: InputFacts;
}

export interface IndexInput {
  readonly type: 'index';
  readonly packages: number;
  /** As `bench/index.ts` lays it out. */
  readonly folder: string;
  /** Path of the index itself. */
  readonly indexFile: string;
  readonly facts: InputFacts;
}

export type CaseInput = CacheInput | BytesInput | IndexInput;

/** Makes an input, or takes the one that lies in the folder already. */
export async function prepareInput(
  folder: string,
  recipe: InputRecipe,
  onProgress: (message: string) => void = () => {},
): Promise<CaseInput> {
  if (recipe.type === 'cache') return prepareCache(folder, recipe, onProgress);
  return recipe.type === 'index' ? prepareIndex(folder, recipe, onProgress) : prepareBytes(recipe);
}

/** The input of a case that works on a build cache. */
export function requireCache(input: CaseInput): CacheInput {
  if (input.type !== 'cache') throw new TypeError(`"${input.facts.name}" is no build cache`);
  return input;
}

/** The input of a case that works on bytes in memory. */
export function requireBytes(input: CaseInput): KernelInput {
  if (input.type !== 'bytes') throw new TypeError(`"${input.facts.name}" is no input in memory`);
  return input.kernel;
}

/** The input of a case about an index. */
export function requireIndex(input: CaseInput): IndexInput {
  if (input.type !== 'index') throw new TypeError(`"${input.facts.name}" is no index`);
  return input;
}

async function prepareCache(
  folder: string,
  { cache, queries }: CacheInputRecipe,
  onProgress: (message: string) => void,
): Promise<CacheInput> {
  const path = await makeCache(folder, cache, onProgress);
  const needed = closureOf(cache, queries);
  const places = new Map(needed.map((each) => [each.name, packagePlace(path, each)]));
  const tarballs = [...places.values()].map(({ tarball }) => tarball);
  const packages = needed.map(({ name }) => name);
  const sum = (numbers: readonly number[]) => numbers.reduce((total, each) => total + each, 0);
  const facts = {
    name: cache.name,
    packages: packages.length,
    files: sum(needed.map(({ texts, binaries }) => texts + binaries.length + METADATA_FILES)),
    compressedBytes: sum(tarballs.map((each) => statSync(each).size)),
    unpackedBytes: sum(tarballs.map(unpackedSize)),
  };
  const expected = new ExpectedTrees(places);
  return {
    type: 'cache',
    folder: path,
    tarballs,
    packages,
    queries: queries ?? packages,
    places,
    expected,
    facts,
  };
}

/** What is asked for with all its dependencies, in the order in which the packages are made. */
function closureOf({ packages }: CacheRecipe, queries: readonly string[] | undefined): PackageRecipe[] {
  if (queries === undefined) return [...packages];
  const wanted = new Set(queries);
  for (const { name, dependencies = [] } of packages.toReversed())
    if (wanted.has(name)) for (const each of dependencies) wanted.add(each);
  return packages.filter(({ name }) => wanted.has(name));
}

/** Buildinfo, install manifest, spec. */
const METADATA_FILES = 3;

/** RFC 1952: the last four bytes are the length modulo 2^32. The generator writes one member. */
function unpackedSize(path: string): number {
  const file = openSync(path, 'r');
  try {
    const trailer = Buffer.alloc(4);
    readSync(file, trailer, 0, 4, fstatSync(file).size - 4);
    return trailer.readUInt32LE();
  } finally {
    closeSync(file);
  }
}

async function prepareBytes({ name, make }: BytesInputRecipe): Promise<BytesInput> {
  const kernel = await make();
  const compressedBytes = kernel.bytes.length;
  const unpackedBytes = kernel.unpackedBytes ?? compressedBytes;
  return {
    type: 'bytes',
    kernel,
    facts: { name, packages: 0, files: 0, compressedBytes, unpackedBytes },
  };
}

async function prepareIndex(
  inputFolder: string,
  { packages }: IndexInputRecipe,
  onProgress: (message: string) => void,
): Promise<IndexInput> {
  const name = `index-${packages}`;
  const folder = join(inputFolder, name);
  if (!existsSync(folder)) {
    onProgress(`generating ${packages} specfiles and their index`);
    const partial = `${folder}.partial`;
    rmSync(partial, { recursive: true, force: true });
    mkdirSync(partial, { recursive: true });
    for (const step of ['generate', 'index'])
      await measureCommand(indexStep({ step, folder: partial, packages }));
    renameSync(partial, folder);
  }
  const indexFile = join(folder, 'mirror', INDEX_PATH);
  const size = statSync(indexFile).size;
  const facts = { name, packages, files: packages, compressedBytes: size, unpackedBytes: size };
  return { type: 'index', packages, folder, indexFile, facts };
}

const INDEX_SCRIPT = fileURLToPath(new URL('../index.js', import.meta.url));

/** A step of `bench/index.ts` as a process of its own. */
export function indexStep(options: {
  readonly step: string;
  readonly folder: string;
  readonly packages: number;
}): Command {
  const { step, folder, packages } = options;
  const args = [INDEX_SCRIPT, '--step', step, '--folder', folder, '--packages', String(packages)];
  return { program: process.execPath, args };
}
