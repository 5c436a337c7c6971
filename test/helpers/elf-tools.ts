// What other people's tools say of an ELF file: binutils' readelf, elfutils' eu-elflint and patchelf.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';

/** Why a tool cannot be asked, for tests that skip; false where it is there. */
export function missingTool(tool: string): string | false {
  return spawnSync(tool, ['--version']).error === undefined ? false : `${tool} is not installed`;
}

/** What readelf complains about: its warnings, without addresses and counts that move with a header more. */
export function readelfComplaints(path: string): readonly string[] {
  const { stderr, status } = spawnSync('readelf', ['-lSdVnsW', path], {
    encoding: 'latin1',
    maxBuffer: 1 << 30,
  });
  assert.equal(status, 0, stderr);
  const lines = stderr
    .split('\n')
    .map((line) => line.replaceAll(path, 'FILE').replace(/\b(0x)?[0-9a-f]+\b/g, 'N'));
  return [...new Set(lines)].filter((line) => line !== '').sort();
}

/** What eu-elflint complains about, in the order of the file, each once. */
export function elflintComplaints(path: string): readonly string[] {
  const { stdout } = spawnSync('eu-elflint', ['--gnu-ld', path], { encoding: 'latin1', maxBuffer: 1 << 28 });
  const lines = stdout
    .split('\n')
    // A header more moves the others on.
    .map((line) => line.replace(/program header entry \d+|segment \d+|phdr\[\d+\]/g, 'program header'))
    .filter((line) => line !== '' && line !== 'No errors');
  return [...new Set(lines)];
}

/** The complaints about a file that were not there before. */
export function newComplaints(
  complaints: (path: string) => readonly string[],
  { before, after }: { readonly before: string; readonly after: string },
): readonly string[] {
  const known = new Set(complaints(before));
  return complaints(after).filter((line) => !known.has(line));
}

/** The answer of patchelf to one of its `--print-…` questions. */
export function askPatchelf(question: 'rpath' | 'interpreter' | 'needed' | 'soname', path: string): string {
  const { stdout, stderr, status } = spawnSync('patchelf', [`--print-${question}`, path], {
    encoding: 'latin1',
  });
  assert.equal(status, 0, stderr);
  return stdout.trim();
}
