// Ways to decompress gzip data in this process: the engines' decoders, and what Node and npm bring.
import { createHash, type Hash } from 'node:crypto';
import { createGunzip } from 'node:zlib';
import { GunzipDecoder } from '../../src/stream/gzip/gunzip.js';
import type { Inflater } from '../../src/stream/inflate/inflater.js';
import type { KernelInput } from '../inputs/case-input.js';
import type { KernelCall } from './kernel.js';

const INPUT_CHUNK = 256 * 1024;

type Take = (bytes: Uint8Array) => void;

/** Measured runs look at the length only, since hashing takes longer than inflating; the digest is taken in a run of its own. */
function callOf(inflate: (take: Take) => void | Promise<void>): KernelCall {
  let size = 0;
  const count: Take = ({ length }) => {
    size += length;
  };
  return {
    run() {
      size = 0;
      return inflate(count);
    },
    result: () => `${size} bytes`,
    async digest() {
      const hash: Hash = createHash('sha256');
      await inflate((bytes) => hash.update(bytes));
      return hash.digest('hex');
    },
  };
}

/** A decoder of ours, fed in chunks. */
export function inflateCall(inflater: Inflater, { bytes }: KernelInput): KernelCall {
  return callOf((take) => {
    const decoder = new GunzipDecoder({ inflater, onOutput: take });
    for (const chunk of chunksOf(bytes)) decoder.push(chunk);
    decoder.finish();
  });
}

/** `zlib.createGunzip`, whose speed depends on the size of its output chunks. */
export function zlibCall({ bytes }: KernelInput, chunkSize: number): KernelCall {
  return callOf(async (take) => {
    const stream = createGunzip({ chunkSize });
    const feeding = (async () => {
      for (const chunk of chunksOf(bytes)) {
        if (!stream.write(chunk)) await new Promise((resolve) => stream.once('drain', resolve));
      }
      stream.end();
    })();
    for await (const each of stream) take(each as Buffer);
    await feeding;
  });
}

export function decompressionStreamCall({ bytes }: KernelInput): KernelCall {
  return callOf(async (take) => {
    const chunks = chunksOf(bytes);
    const source = new ReadableStream<Uint8Array<ArrayBuffer>>({
      pull(controller) {
        const { done, value } = chunks.next();
        if (done) controller.close();
        else controller.enqueue(new Uint8Array(value));
      },
    });
    const unpacked = source.pipeThrough(new DecompressionStream('gzip')) as AsyncIterable<Uint8Array>;
    for await (const each of unpacked) take(each);
  });
}

function* chunksOf(bytes: Buffer): Generator<Buffer, undefined> {
  for (let offset = 0; offset < bytes.length; offset += INPUT_CHUNK)
    yield bytes.subarray(offset, offset + INPUT_CHUNK);
}

interface Fflate {
  readonly Gunzip: new (onData: Take) => { push(data: Uint8Array, isLast?: boolean): void };
}

/** fflate, in chunks; it checks no checksum. */
export async function fflateCall({ bytes }: KernelInput): Promise<KernelCall | string> {
  const name = 'fflate'; // a development dependency that a user's machine need not have
  const loaded = (await import(name).catch(() => undefined)) as Fflate | undefined;
  if (loaded === undefined) return 'the package "fflate" is not installed';
  return callOf((take) => {
    const decoder = new loaded.Gunzip(take);
    for (const chunk of chunksOf(bytes)) decoder.push(chunk);
    decoder.push(new Uint8Array(), true);
  });
}
