// A byte stage that hashes what passes, and ends in an error where the hash is not the expected one.
import { createHash } from 'node:crypto';
import {
  ByteLengthQueuingStrategy,
  type ReadableStream,
  TransformStream,
  type WritableStream,
} from 'node:stream/web';
import { IntegrityError } from '../core/errors.js';
import { QUEUE_SIZE } from './chunk-size.js';

export interface ChecksumOptions {
  /** A name that `node:crypto` knows. */
  readonly algorithm: string;
  /** The expected digest in hexadecimal; without it the stream only counts it out. */
  readonly expected?: string | undefined;
}

export interface ChecksumStream {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
  /** The digest in lower case hexadecimal, once all bytes have passed; rejects like the stream when it is not the expected one. */
  readonly digest: Promise<string>;
}

/**
 * Makes a stream that passes chunks on and hashes them.
 *
 * A digest other than `expected` errors the stream at its end with IntegrityError `checksum-mismatch`, so that it never closes normally.
 * After an abort `digest` stays pending: the pipe reports the abort.
 *
 * @example
 * const stream = checksum({ algorithm: 'sha256' });
 * await source.pipeThrough(stream).pipeTo(target);
 * console.log(await stream.digest);
 */
export function checksum({ algorithm, expected }: ChecksumOptions): ChecksumStream {
  const hash = createHash(algorithm);
  let resolve: (digest: string) => void = () => {};
  let reject: (reason: unknown) => void = () => {};
  const digest = new Promise<string>((onValue, onError) => {
    resolve = onValue;
    reject = onError;
  });
  digest.catch(() => {}); // who only pipes learns of a mismatch from the pipe
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>(
    {
      transform(chunk, controller) {
        hash.update(chunk);
        controller.enqueue(chunk);
      },
      flush() {
        const actual = hash.digest('hex');
        if (expected === undefined || actual === expected.toLowerCase()) {
          resolve(actual);
          return;
        }
        const error = checksumMismatch(algorithm, expected, actual);
        reject(error);
        throw error;
      },
    },
    new ByteLengthQueuingStrategy({ highWaterMark: QUEUE_SIZE }),
    new ByteLengthQueuingStrategy({ highWaterMark: QUEUE_SIZE }),
  );
  return { readable, writable, digest };
}

function checksumMismatch(algorithm: string, expected: string, actual: string): IntegrityError {
  return new IntegrityError(
    'checksum-mismatch',
    `Cannot accept the data: its ${algorithm} is ${actual}, not ${expected}`,
    {
      hint: 'The file is damaged or was replaced: fetch it again',
      data: { algorithm, expected, actual },
    },
  );
}
