// The version of a Spack, from the file that has it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface SpackVersion {
  readonly major: number;
  readonly minor: number;
}

/** Undefined where there is no Spack, or one that hides its version. */
export function readSpackVersion(spackPrefix: string): SpackVersion | undefined {
  const found = /^__version__ = "(\d+)\.(\d+)/m.exec(
    readText(join(spackPrefix, 'lib/spack/spack/__init__.py')),
  );
  return found === null ? undefined : { major: Number(found[1]), minor: Number(found[2]) };
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
