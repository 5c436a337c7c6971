// Unpacks tarballs with packages of npm: `unpack.js WAY FOLDER TARBALL…`.
import { createReadStream, mkdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { extract } from 'tar-stream';

type Way = (tarball: string, folder: string) => Promise<void>;

interface NodeTar {
  x(options: { readonly file: string; readonly cwd: string }): Promise<void>;
}

interface Fflate {
  readonly Gunzip: new (
    onData: (bytes: Uint8Array) => void,
  ) => {
    push(data: Uint8Array, isLast?: boolean): void;
  };
}

const ways: Readonly<Record<string, Way>> = {
  async 'node-tar'(tarball, folder) {
    const { x } = await loadPackage<NodeTar>('tar');
    await x({ file: tarball, cwd: folder });
  },

  async 'DecompressionStream, tar-stream, fs.promises'(tarball, folder) {
    const compressed = Readable.toWeb(createReadStream(tarball)) as ReadableStream<Uint8Array<ArrayBuffer>>;
    const unpacked = compressed.pipeThrough(new DecompressionStream('gzip'));
    await writeEntries(Readable.fromWeb(unpacked as Parameters<typeof Readable.fromWeb>[0]), folder);
  },

  async 'fflate, tar-stream, fs.promises'(tarball, folder) {
    const { Gunzip } = await loadPackage<Fflate>('fflate');
    await writeEntries(createReadStream(tarball).pipe(gunzipTransform(Gunzip)), folder);
  },
};

function gunzipTransform(Gunzip: Fflate['Gunzip']): Transform {
  const decoder = new Gunzip((bytes) => transform.push(bytes));
  const transform = new Transform({
    transform(chunk: Buffer, _, done) {
      decoder.push(chunk);
      done();
    },
    flush(done) {
      decoder.push(new Uint8Array(), true);
      done();
    },
  });
  return transform;
}

async function writeEntries(source: Readable, folder: string): Promise<void> {
  const archive = extract();
  source.on('error', (error) => archive.destroy(error)).pipe(archive);
  for await (const entry of archive) {
    const path = join(folder, entry.header.name);
    if (entry.header.type === 'directory') mkdirSync(path, { recursive: true });
    else {
      mkdirSync(dirname(path), { recursive: true });
      await writeFile(path, entry as AsyncIterable<Buffer>, { mode: entry.header.mode ?? 0o644 });
    }
    entry.resume();
  }
}

/** Optional development dependencies: the benchmark checks for them before it starts this. */
async function loadPackage<Package>(name: string): Promise<Package> {
  return (await import(name)) as Package;
}

const [way = '', folder = '.', ...tarballs] = process.argv.slice(2);
const unpack = ways[way];
if (unpack === undefined) throw new TypeError(`"${way}" is not a way to unpack`);
for (const tarball of tarballs) await unpack(tarball, folder);
