// Vectors made by running a Spack's own functions; the scripts are beside them.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export function readVectors<Vectors>(name: string): Vectors {
  return JSON.parse(readFileSync(join(process.cwd(), 'test', 'store', 'vectors', name), 'utf8')) as Vectors;
}
