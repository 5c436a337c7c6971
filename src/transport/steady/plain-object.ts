// Bytes as they are stored, from a server that says that it encoded them (RFC 9110 §8.4). Some do so without being asked; others only
// label what is stored, as compressed as it is. Without a digest the header is believed, as long as the bytes look like it; with one,
// whichever of the sent and the decoded bytes has it is right.
import { createHash } from 'node:crypto';
import { constants, gunzipSync } from 'node:zlib';
import { MirrorError } from '../../core/errors.js';
import { canDecode, decodedObject, encodedAs, knownEncoding } from '../content-encoding.js';
import type { OpenedObject } from '../object-store.js';

type Reading = 'sent' | 'decoded';

/** What was learnt of an object that is labelled as encoded. */
export interface EncodingMemory {
  reading?: Reading | undefined;
  /** Whether the other reading was wrong before. */
  isSettled?: boolean;
}

export interface EncodedObject {
  /** Its body not yet read. */
  readonly object: OpenedObject;
  readonly encoding: string;
  /** What the reader will check. */
  readonly sha256: string | undefined;
  readonly memory: EncodingMemory;
}

/**
 * The object as it is stored.
 * @throws MirrorError `mirror-encoding` for an encoding that is not known; its body also for one that is broken, and, retryable, when it turns
 * out that the bytes were to be read the other way
 */
export async function plainObject(encoded: EncodedObject): Promise<OpenedObject> {
  const { object, encoding, sha256, memory } = encoded;
  const reader = object.body.getReader();
  const first = await reader.read();
  const start = first.value ?? new Uint8Array(0);
  memory.reading ??= guess(start, encoded);
  const isSent = memory.reading === 'sent';
  const sent: OpenedObject = { ...object, body: ReadableStream.from(continued(start, reader)) };
  const { body, size } = isSent ? sent : await decodedObject({ ...sent, encoding });
  const checked = sha256 === undefined ? body : ReadableStream.from(watched(body, { ...encoded, sha256 }));
  const { location, tag, modified, total } = object;
  return { body: checked, size, ...(isSent && { total }), location, tag, modified };
}

/** Tarballs are compressed themselves: what begins like one is one, unless that is only what the encoding makes of it. */
function guess(start: Uint8Array, { encoding, sha256 }: EncodedObject): Reading {
  const isGzip = beginsLikeGzip(start);
  const saysGzip = /^(x-)?gzip$/i.test(encoding);
  if (saysGzip && !isGzip) return 'sent';
  if (sha256 === undefined) return 'decoded';
  if (!canDecode(encoding)) return 'sent';
  if (saysGzip) return beginsLikeGzip(beginningOf(start)) ? 'decoded' : 'sent';
  return isGzip ? 'sent' : 'decoded';
}

function beginsLikeGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/** The first decoded bytes, as far as a small beginning gives them. */
function beginningOf(gzip: Uint8Array): Uint8Array {
  try {
    return gunzipSync(gzip.subarray(0, 4096), { finishFlush: constants.Z_SYNC_FLUSH });
  } catch {
    return new Uint8Array(0); // its reader will find out
  }
}

async function* continued(
  start: Uint8Array,
  reader: ReadableStreamDefaultReader<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  let isComplete = false;
  try {
    if (start.length > 0) yield start;
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      yield value;
    }
    isComplete = true;
  } finally {
    if (!isComplete) await reader.cancel().catch(() => {});
  }
}

/** Learns from the digest which reading is right. */
async function* watched(
  plain: AsyncIterable<Uint8Array>,
  { object, encoding, sha256, memory }: EncodedObject,
): AsyncGenerator<Uint8Array> {
  const digest = createHash('sha256');
  for await (const chunk of plain) {
    digest.update(chunk);
    yield chunk;
  }
  const isRight = digest.digest('hex') === sha256;
  const mayBeOther = !isRight && memory.isSettled !== true && canDecode(encoding);
  memory.isSettled = true;
  if (!mayBeOther) return; // whoever reads it says that the digest is wrong
  memory.reading = memory.reading === 'sent' ? 'decoded' : 'sent';
  throw readOtherwise(object.location, encoding);
}

function readOtherwise(location: string, encoding: string): MirrorError {
  return new MirrorError(
    'mirror-encoding',
    `Cannot use "${location}" as it was read: the server says that it is ${encodedAs(encoding)}, and that does not give its digest`,
    { retryable: true, data: { location, encoding: knownEncoding(encoding) } },
  );
}

/** A part of an encoded body is no part of the object. */
export function encodedPart(location: string, encoding: string): MirrorError {
  return new MirrorError(
    'mirror-encoding',
    `Cannot read a part of "${location}": the server sent it ${encodedAs(encoding)}`,
    {
      hint: 'Make the server send files as they are stored',
      data: { location, encoding: knownEncoding(encoding) },
    },
  );
}
