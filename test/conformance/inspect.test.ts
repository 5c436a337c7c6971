// `inspect` on the ELF files of this machine: it never fails, and its tables are those of readelf.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { readElfContents } from '../../src/binfmt/elf/elf-contents.js';
import { openInspectedFile } from '../../src/cli/inspected-file.js';
import { inspectionAsJson, inspectionLines } from '../../src/cli/render/render-inspection.js';
import { inspect } from '../../src/operations/query/inspect.js';

const FOLDERS = [
  '/usr/bin',
  '/usr/sbin',
  '/usr/lib',
  '/usr/lib/x86_64-linux-gnu',
  '/usr/lib/aarch64-linux-gnu',
];
const LARGEST = 8 << 20;

function elfFiles(): readonly string[] {
  return FOLDERS.filter(existsSync).flatMap((folder) =>
    readdirSync(folder)
      .map((name) => join(folder, name))
      .filter((path) => {
        const status = lstatSync(path);
        if (!status.isFile() || status.size > LARGEST) return false;
        const file = openInspectedFile(path);
        const isElf = Buffer.from(file.read(0, 4)).toString('latin1') === '\x7fELF';
        file.close();
        return isElf;
      }),
  );
}

const hasReadelf = process.platform === 'linux' && spawnSync('readelf', ['--version']).status === 0;

describe('inspect on the ELF files of this machine', {
  skip: process.platform === 'linux' ? false : 'there are none',
}, () => {
  const files = process.platform === 'linux' ? elfFiles() : [];

  it(`never fails (${files.length} files)`, async () => {
    for (const path of files) {
      const file = openInspectedFile(path);
      try {
        const inspection = await inspect(file, { limit: 10 });
        assert.equal(inspection.kind, 'elf', path);
        assert.ok(inspectionLines(inspection).length > 3, path);
        assert.ok(JSON.stringify(inspectionAsJson(inspection)).length > 100, path);
      } finally {
        file.close();
      }
    }
  });

  it('shows the tables that readelf shows', { skip: hasReadelf ? false : 'readelf is not installed' }, () => {
    for (const path of files.filter((_, i) => i % Math.ceil(files.length / 40) === 0)) {
      const file = openInspectedFile(path);
      const contents = readElfContents(file);
      file.close();
      const shown = execFileSync('readelf', ['-W', '-l', '-S', '-d', path], {
        encoding: 'utf8',
        env: { ...process.env, LC_ALL: 'C' },
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      const sections = [...shown.matchAll(/^ {2}\[ *\d+\] (\S*)/gm)].map((match) => match[1] ?? '');
      const names = contents?.sections.map(({ name }) => name) ?? [];
      // The first section has no name: there readelf shows its type.
      assert.deepEqual(names.slice(1), sections.slice(1, names.length), path);
      const headers = [...shown.matchAll(/^ {2}([A-Z_0-9]+|<unknown>\S*) +0x[0-9a-f]+ 0x/gm)];
      assert.equal(contents?.programHeaders.length, headers.length, path);
      const entries = [...shown.matchAll(/^ 0x[0-9a-f]{8,16} \((\w+)\)/gm)].filter(
        (match) => match[1] !== 'NULL',
      );
      assert.equal(contents?.dynamicSection.length, entries.length, path);
    }
  });
});
