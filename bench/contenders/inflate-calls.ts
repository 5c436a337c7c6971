// Ways to decompress gzip data in this process: the engines' decoders, and what Node brings.
import { createGunzip } from 'node:zlib';
import { GunzipDecoder } from '../../src/stream/gunzip.js';
import type { Inflater } from '../../src/stream/inflater.js';
import type { KernelInput } from '../inputs/case-input.js';
import type { KernelCall } from './kernel.js';

const INPUT_CHUNK = 256 * 1024;

/** What came out. Every decoder here compares the checksum of the file itself, so that length is left to compare. */
class Output {
  size = 0;

  take(bytes: Uint8Array): void {
    this.size += bytes.length;
  }
}

/** A decoder of ours, fed in chunks. */
export function inflateCall(inflater: Inflater, { bytes }: KernelInput): KernelCall {
  let output = new Output();
  return {
    run() {
      output = new Output();
      const decoder = new GunzipDecoder({ inflater, onOutput: (each) => output.take(each) });
      for (const chunk of chunksOf(bytes)) decoder.push(chunk);
      decoder.finish();
    },
    result: () => `${output.size} bytes`,
  };
}

/** `zlib.createGunzip`, whose speed depends on the size of its output chunks. */
export function zlibCall({ bytes }: KernelInput, chunkSize: number): KernelCall {
  let output = new Output();
  return {
    async run() {
      output = new Output();
      const stream = createGunzip({ chunkSize });
      const feeding = (async () => {
        for (const chunk of chunksOf(bytes)) {
          if (!stream.write(chunk)) await new Promise((resolve) => stream.once('drain', resolve));
        }
        stream.end();
      })();
      for await (const each of stream) output.take(each as Buffer);
      await feeding;
    },
    result: () => `${output.size} bytes`,
  };
}

export function decompressionStreamCall({ bytes }: KernelInput): KernelCall {
  let output = new Output();
  return {
    async run() {
      output = new Output();
      const chunks = chunksOf(bytes);
      const source = new ReadableStream<Uint8Array<ArrayBuffer>>({
        pull(controller) {
          const { done, value } = chunks.next();
          if (done) controller.close();
          else controller.enqueue(new Uint8Array(value));
        },
      });
      const unpacked = source.pipeThrough(new DecompressionStream('gzip')) as AsyncIterable<Uint8Array>;
      for await (const each of unpacked) output.take(each);
    },
    result: () => `${output.size} bytes`,
  };
}

function* chunksOf(bytes: Buffer): Generator<Buffer, undefined> {
  for (let offset = 0; offset < bytes.length; offset += INPUT_CHUNK)
    yield bytes.subarray(offset, offset + INPUT_CHUNK);
}

/** fflate checks no checksum and knows one member only. */
export async function fflateCall({ bytes }: KernelInput): Promise<KernelCall | string> {
  const name = 'fflate';
  const loaded = (await import(name).catch(() => undefined)) as
    | { gunzipSync(data: Uint8Array): Uint8Array }
    | undefined;
  if (loaded === undefined) return 'the package "fflate" is not installed';
  let size = 0;
  return {
    run: () => {
      size = loaded.gunzipSync(bytes).length;
    },
    result: () => `${size} bytes`,
  };
}
