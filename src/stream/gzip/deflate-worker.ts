// A worker thread that compresses one block after the other for `WorkerCompressor`; memory goes to and fro without copies.
import { parentPort } from 'node:worker_threads';
import { deflateRawSync } from 'node:zlib';
import { deflateOptions } from './deflate-options.js';

export interface DeflateRequest {
  readonly memory: ArrayBuffer;
  readonly length: number;
  readonly isLast: boolean;
  readonly level: number;
}

export interface DeflateReply {
  readonly compressed: Uint8Array;
  readonly memory: ArrayBuffer;
}

parentPort?.on('message', ({ memory, length, isLast, level }: DeflateRequest) => {
  const options = deflateOptions({ level, length, isLast });
  const compressed = new Uint8Array(deflateRawSync(new Uint8Array(memory, 0, length), options));
  const reply: DeflateReply = { compressed, memory };
  parentPort?.postMessage(reply, [memory, compressed.buffer]);
});
