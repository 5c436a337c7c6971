// A tar archive of everything in a folder, with the folder itself as its top, as "tar cf FILE -C FOLDER ." makes it.
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { GNU, gnuLong, type MemberSketch, tarArchive } from './tar-builder.js';

/** Writes the archive. Long names are GNU's. */
export function archiveTree(folder: string, file: string, top = './'): void {
  const names = (readdirSync(folder, { recursive: true }) as string[]).sort();
  const members = names.flatMap((name): (Uint8Array | MemberSketch)[] => {
    const path = join(folder, name);
    const mtime = Math.floor(statSync(path).mtimeMs / 1000);
    if (statSync(path).isDirectory())
      return [{ name: `${top}${name}/`, type: '5', mode: 0o755, mtime, magic: GNU }];
    const full = Buffer.from(`${top}${name}`).toString('latin1');
    const long = full.length > 100 ? [gnuLong('L', full)] : [];
    return [...long, { name: full.slice(0, 100), body: readFileSync(path), mtime, magic: GNU }];
  });
  writeFileSync(file, tarArchive({ name: top, type: '5', mode: 0o755, magic: GNU }, ...members));
}
