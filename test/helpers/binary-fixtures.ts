// The linked binaries of test/fixtures-binaries, made by the scripts beside them.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { detectFileKind } from '../../src/binfmt/detect.js';

const FOLDER = join(process.cwd(), 'test', 'fixtures-binaries');

export interface BinaryFixture {
  readonly name: string;
  readonly path: string;
  readonly bytes: Buffer;
}

function fixturesIn(folder: string): readonly BinaryFixture[] {
  const names = readdirSync(join(FOLDER, folder), { withFileTypes: true }).filter((entry) => entry.isFile());
  return names
    .map(({ name }) => ({ name, path: join(FOLDER, folder, name) }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map((each) => ({ ...each, bytes: readFileSync(each.path) }));
}

const ALL = ['', 'variants', 'variants-macho'].flatMap(fixturesIn);

/** Executables and libraries of several linkers, machines, classes and byte orders. */
export const ELF_FIXTURES = ALL.filter(({ bytes }) => detectFileKind(bytes) === 'elf');

/** Programs, libraries and bundles, single and fat, signed and not. */
export const MACHO_FIXTURES = ALL.filter(({ bytes }) => detectFileKind(bytes) === 'macho');
