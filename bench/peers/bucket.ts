// Does one thing with a bucket, as the library does it: `bucket.js upload URL PATH FILE`, `download URL PATH FILE`, `list URL FOLDER`.
import { createReadStream, createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ObjectStore } from '../../src/transport/object-store.js';
import { openObjectStore } from '../../src/transport/open-store.js';
import { writePieces } from '../../src/transport/write-object.js';

const CHUNK_SIZE = 1 << 20;

type Way = (store: ObjectStore, path: string, file: string) => Promise<void>;

const ways: Readonly<Record<string, Way>> = {
  async upload({ writer }, path, file) {
    if (writer === undefined) throw new TypeError('The bucket is only read');
    await writePieces(writer, { path, pieces: createReadStream(file, { highWaterMark: CHUNK_SIZE }) });
  },

  async download(store, path, file) {
    const { body } = await store.open(path);
    await pipeline(Readable.fromWeb(body as Parameters<typeof Readable.fromWeb>[0]), createWriteStream(file));
  },

  async list({ lister }, path) {
    if (lister === undefined) throw new TypeError('The bucket cannot be listed');
    let count = 0;
    for await (const _ of lister.list(path, { isRecursive: true })) count++;
    console.log(count);
  },
};

const [way = '', url = '', path = '', file = ''] = process.argv.slice(2);
const store = openObjectStore(url);
try {
  await ways[way]?.(store, path, file);
} finally {
  await store.close?.();
}
