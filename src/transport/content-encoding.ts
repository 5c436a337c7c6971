// Bodies that a server sends encoded, although nobody asked for it (RFC 9110 §8.4): they are decoded as its header says.
import { pipeline, Readable } from 'node:stream';
import * as zlib from 'node:zlib';
import { BuildcacheError, MirrorError } from '../core/errors.js';

/** The parts of an open object that decoding needs. */
export interface EncodedObject {
  readonly body: ReadableStream<Uint8Array>;
  readonly size: number | undefined;
  readonly location: string;
  /** The value of `Content-Encoding`. */
  readonly encoding?: string | undefined;
}

const OPTIONS = { chunkSize: 256 * 1024 };

type Decoder = (
  first: Uint8Array | undefined,
) => zlib.Gunzip | zlib.Inflate | zlib.InflateRaw | zlib.BrotliDecompress;

const DECODERS: Readonly<Record<string, Decoder>> = {
  gzip: () => zlib.createGunzip(OPTIONS),
  'x-gzip': () => zlib.createGunzip(OPTIONS),
  // Some servers leave out the header of zlib.
  deflate: (first) => (startsAsZlib(first) ? zlib.createInflate(OPTIONS) : zlib.createInflateRaw(OPTIONS)),
  br: () => zlib.createBrotliDecompress(OPTIONS),
};

/** Whether everything that a value of `Content-Encoding` names can be decoded. */
export function canDecode(value: string): boolean {
  return namesIn(value).every((name) => name in DECODERS);
}

/** Without those that change nothing. */
function namesIn(value: string): string[] {
  const names = value.toLowerCase().split(',');
  return names.map((name) => name.trim()).filter((name) => name !== '' && name !== 'identity');
}

/**
 * The object with its body decoded, whose size is then not known.
 * @throws MirrorError `mirror-encoding` for an encoding that is not known; the body ends in it when it is not in the one that is named.
 */
export async function decodedObject<T extends EncodedObject>(object: T): Promise<T> {
  const encodings = namesIn(object.encoding ?? '');
  let { body } = object;
  for (const name of encodings.reverse()) {
    const decoder = DECODERS[name];
    if (decoder === undefined) {
      await body.cancel();
      throw new MirrorError(
        'mirror-encoding',
        `Cannot read "${object.location}": the server sent it ${encodedAs(name)}`,
        {
          hint: 'Turn off the compression of files on the server of the mirror',
          data: { location: object.location, encoding: knownEncoding(name) },
        },
      );
    }
    body = await decode(body, { decoder, name, location: object.location });
  }
  return encodings.length === 0 ? object : { ...object, body, size: undefined, encoding: undefined };
}

/** Registered by IANA, besides those that are decoded: what else a server says is not repeated. */
const REGISTERED: ReadonlySet<string> = new Set(
  'aes128gcm br compress dcb dcz deflate exi gzip identity pack200-gzip x-compress x-gzip zstd aws-chunked'.split(
    ' ',
  ),
);

/** The name of an encoding that somebody has heard of. */
export function knownEncoding(name: string): string | undefined {
  return namesIn(name).every((each) => REGISTERED.has(each)) ? name : undefined;
}

/** For messages: `encoded as "zstd"`. */
export function encodedAs(name: string): string {
  const known = knownEncoding(name);
  return known === undefined ? 'in an encoding that is not known' : `encoded as "${known}"`;
}

interface Decoding {
  readonly decoder: Decoder;
  readonly name: string;
  readonly location: string;
}

async function decode(
  body: ReadableStream<Uint8Array>,
  { decoder, name, location }: Decoding,
): Promise<ReadableStream<Uint8Array>> {
  const source = body.getReader();
  const chunks = Readable.from(chunksOf(source), { objectMode: false });
  const first = await new Promise<Uint8Array | undefined>((resolve, reject) => {
    chunks.once('error', reject).once('readable', () => {
      const chunk: Uint8Array | null = chunks.read();
      if (chunk !== null) chunks.unshift(chunk);
      resolve(chunk ?? undefined);
    });
  });
  const decoded = decoder(first);
  pipeline(chunks, decoded, () => {});
  const reader = Readable.from(decoded, { objectMode: false })[Symbol.asyncIterator]();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await reader.next();
          if (done) controller.close();
          else controller.enqueue(value as Uint8Array);
        } catch (cause) {
          throw cause instanceof BuildcacheError ? cause : wrongEncoding({ name, location, cause });
        }
      },
      async cancel(reason) {
        decoded.destroy();
        // A read that waits keeps the iterator from ending by itself.
        await source.cancel(reason).catch(() => {});
      },
    },
    { highWaterMark: 0 },
  );
}

async function* chunksOf(reader: ReadableStreamDefaultReader<Uint8Array>): AsyncGenerator<Uint8Array> {
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    yield value;
  }
}

function wrongEncoding(facts: {
  readonly name: string;
  readonly location: string;
  readonly cause: unknown;
}): unknown {
  const { name, location, cause } = facts;
  // Not of the decoder: the signal's reason, for one.
  if (!String((cause as NodeJS.ErrnoException).code ?? '').match(/^(Z_|ERR_|BR)/)) return cause;
  return new MirrorError(
    'mirror-encoding',
    `Cannot read "${location}": it is not "${name}", as the server says`,
    {
      cause,
      hint: 'Check the Content-Encoding that the server of the mirror sends',
      data: { location, encoding: name },
    },
  );
}

function startsAsZlib(bytes: Uint8Array | undefined): boolean {
  const [first = 0, second] = bytes ?? [];
  return (first & 0x0f) === 8 && (second === undefined || ((first << 8) | second) % 31 === 0);
}
