// What authorizes requests, so that it can be told in answers: a server that repeats what it was asked would otherwise have it printed, or
// kept in a cache.
import { MirrorError } from '../../core/errors.js';
import { redactUrl } from './location.js';
import type { HttpHeaders } from './request.js';

const HEADERS = ['authorization', 'proxy-authorization', 'cookie', 'x-amz-security-token'];
/** Of URLs that are signed, or that hold a token. */
const PARAMETERS =
  /^(x-(amz|goog)-(signature|credential|security-token)|signature|sig|key-pair-id|policy|token|access_token)$/i;
/** Shorter ones are in other texts by chance. */
const SHORTEST = 12;

/** The proofs of one request and of those that its redirects led to. */
export class Proofs {
  readonly #texts: Set<string>;
  /** What `#long` gave, until something is added. */
  #forms: readonly string[] | undefined;

  /** @param secrets - those that are in the URL. */
  constructor(secrets: readonly string[] = []) {
    this.#texts = new Set(secrets);
  }

  addHeaders(headers: HttpHeaders | undefined): void {
    for (const name of HEADERS) for (const text of partsOf(headers?.[name] ?? '')) this.#add(text);
  }

  addQuery(url: URL): void {
    for (const [name, value] of url.searchParams) if (PARAMETERS.test(name)) this.#add(value);
  }

  /** Whether a value that a server sent repeats one. */
  areIn(value: string): boolean {
    return this.#long().some((text) => value.includes(text));
  }

  /** The URL that a server sent us to, for messages: without its place where that repeats one, or a piece of one, in letters that fit there. */
  shown(url: URL): string {
    const place = `${url.host} ${url.pathname} ${decoded(url.pathname)}`.toLowerCase();
    const words = new Set(place.split(/[^\p{L}\p{N}]+/u));
    const letters = lettersOf(place);
    const isThere = (text: string) => {
      const own = lettersOf(text.toLowerCase());
      if (own.length < SHORTEST) return own !== '' && words.has(own);
      const starts = Array.from({ length: own.length - SHORTEST + 1 }, (_, start) => start);
      return starts.some((start) => letters.includes(own.slice(start, start + SHORTEST)));
    };
    return [...this.#texts].some(isThere) ? `${url.protocol}//…` : redactUrl(url);
  }

  /** A body that ends in `mirror-not-a-buildcache` where it repeats one. */
  guard(body: ReadableStream<Uint8Array>, location: string): ReadableStream<Uint8Array> {
    const texts = this.#long().map((text) => Buffer.from(text));
    return texts.length === 0 ? body : guarded(body, { texts, location });
  }

  #add(text: string): void {
    this.#texts.add(text);
    this.#forms = undefined;
  }

  /** As they are, and as URLs and JSON have them. */
  #long(): readonly string[] {
    const long = [...this.#texts].filter(({ length }) => length >= SHORTEST);
    const formsOf = (text: string) => [text, encodeURIComponent(text), text.replaceAll('/', '\\/')];
    this.#forms ??= [...new Set(long.flatMap(formsOf))];
    return this.#forms;
  }
}

/** A header whole, and each part of it that is a secret. */
function partsOf(header: string): string[] {
  const [, scheme = '', credentials = ''] = /^(\S+) +(.+)$/.exec(header) ?? [];
  const parts = [header, credentials];
  if (/^basic$/i.test(scheme)) {
    const pair = Buffer.from(credentials, 'base64').toString('utf8');
    parts.push(pair, pair.slice(pair.indexOf(':') + 1));
  }
  for (const [, value = ''] of credentials.matchAll(/(?:Credential|Signature)=([^\s,]+)/g)) parts.push(value);
  return parts.filter((part) => part !== '');
}

interface Guarding {
  readonly texts: readonly Buffer[];
  readonly location: string;
}

function guarded(
  body: ReadableStream<Uint8Array>,
  { texts, location }: Guarding,
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  const overlap = Math.max(...texts.map(({ length }) => length)) - 1;
  /** The end of what came before: a text may lie across two chunks. */
  let before = Buffer.alloc(0);
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { value, done } = await reader.read();
        if (done) return controller.close();
        const chunk = Buffer.from(value.buffer, value.byteOffset, value.length);
        const seam = Buffer.concat([before, chunk.subarray(0, overlap)]);
        if (texts.some((text) => seam.includes(text) || chunk.includes(text))) {
          await reader.cancel().catch(() => {});
          throw repeated(location);
        }
        before = Buffer.from((chunk.length < overlap ? seam : chunk).subarray(-overlap));
        controller.enqueue(value);
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}

function repeated(location: string): MirrorError {
  return new MirrorError(
    'mirror-not-a-buildcache',
    `Cannot read "${location}": the answer repeats what logs in to the server`,
    {
      hint: 'Check the URL of the mirror: what answers there shows requests to whoever reads its answers',
      data: { location },
    },
  );
}

/** And digits. */
function lettersOf(text: string): string {
  return text.replace(/[^\p{L}\p{N}]/gu, '');
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
