// A tar reader that does no I/O: bytes are pushed in, events are pulled out (POSIX pax, ustar, GNU long names).
import { concatBytes, copyBytes, EMPTY_BYTES, toLatin1 } from '../core/bytes.js';
import { ArchiveError } from '../core/errors.js';
import type { TarEntry } from './entry.js';
import { BLOCK_SIZE, entryTypeOf, headerError, isZeroBlock, parseHeader, type TarHeader } from './header.js';
import { type PaxRecords, parsePax, paxSize, SPARSE } from './pax.js';
import { withoutTrailingSlashes } from './safe-path.js';

export type TarEvent =
  | { readonly type: 'entry'; readonly entry: TarEntry }
  /** Part of the current entry's body: a view of the pushed bytes, valid until the next push. */
  | { readonly type: 'data'; readonly bytes: Uint8Array }
  | { readonly type: 'entry-end' };

/** Names and pax records with more bytes are refused: no real archive has them. */
const MAX_EXTENSION_SIZE = 1 << 20;
const NO_RECORDS: PaxRecords = new Map();
const ENTRY_END: TarEvent = { type: 'entry-end' };

/** Extension members describe the next member, or (`g`) all that follow. */
type Extension = 'x' | 'g' | 'L' | 'K';
const EXTENSIONS: ReadonlySet<string> = new Set(['x', 'X', 'g', 'L', 'K']);

/**
 * Reads one archive.
 * @example
 * reader.push(chunk);
 * for (let event = reader.next(); event !== undefined; event = reader.next()) handle(event);
 * // when there are no more chunks:
 * reader.finish();
 */
export class TarReader {
  #input: Uint8Array = EMPTY_BYTES;
  #position = 0;
  /** The start of a header block whose rest comes with the next push; bodies are never copied. */
  readonly #partial = new Uint8Array(BLOCK_SIZE);
  #partialLength = 0;
  /** Offset in the archive of the first byte of `#input`. */
  #base = 0;
  #state: 'header' | 'body' | 'padding' | 'extension' | 'ended' = 'header';
  #remaining = 0;
  #padding = 0;
  #collected: Uint8Array[] = [];
  #extension: Extension = 'x';
  #global: PaxRecords = NO_RECORDS;
  #local: PaxRecords = NO_RECORDS;
  #longName: string | undefined;
  #longLink: string | undefined;
  #entries = 0;

  /** True once the end-of-archive block was read; the rest is ignored. */
  get ended(): boolean {
    return this.#state === 'ended';
  }

  /** Offset in the archive of the next byte that will be read. */
  get offset(): number {
    return this.#base + this.#position;
  }

  /** Adds bytes. Those of the last push must be used up: `next()` has returned undefined. */
  push(chunk: Uint8Array): void {
    if (this.#position < this.#input.length)
      throw new TypeError('The bytes of the last push are not used up');
    this.#base += this.#input.length;
    this.#input = chunk;
    this.#position = 0;
  }

  /**
   * The next event, or undefined when more input is needed or the archive has ended.
   * @throws ArchiveError `tar-header`, `tar-pax`, `tar-too-large`
   */
  next(): TarEvent | undefined {
    for (;;) {
      switch (this.#state) {
        case 'header': {
          const entry = this.#readHeader();
          if (entry === 'more') return undefined;
          if (entry !== 'extension') return { type: 'entry', entry };
          break;
        }
        case 'body':
          if (this.#remaining > 0) {
            const bytes = this.#take(this.#remaining);
            if (bytes.length === 0) return undefined;
            this.#remaining -= bytes.length;
            return { type: 'data', bytes };
          }
          this.#state = 'padding';
          return ENTRY_END;
        case 'padding':
          this.#padding -= this.#take(this.#padding).length;
          if (this.#padding > 0) return undefined;
          this.#state = 'header';
          break;
        case 'extension':
          if (!this.#readExtension()) return undefined;
          break;
        case 'ended':
          this.#position = this.#input.length;
          return undefined;
      }
    }
  }

  /**
   * Leaves out the body of the entry that was just told, for whoever can seek: the next bytes to push are those at `offset`.
   * There is no `entry-end` then.
   */
  skipBody(): void {
    if (this.#state !== 'body') throw new TypeError('There is no body to skip');
    const rest = this.#remaining + this.#padding;
    this.#base += rest - this.#take(rest).length;
    this.#remaining = 0;
    this.#padding = 0;
    this.#state = 'header';
  }

  /**
   * Ends the input. An archive may lack its end blocks, but not part of a member.
   * @throws ArchiveError `tar-truncated`
   */
  finish(): void {
    const atBoundary = this.#state === 'header' && this.#partialLength === 0 && !this.#hasExtension();
    if (this.#state === 'ended' || (atBoundary && this.#entries > 0)) return;
    const offset = this.#base + this.#input.length;
    throw new ArchiveError(
      'tar-truncated',
      `Cannot read the tar archive: it ends early, at offset ${offset}`,
      {
        data: { offset },
      },
    );
  }

  #take(limit: number): Uint8Array {
    const bytes = this.#input.subarray(this.#position, this.#position + limit);
    this.#position += bytes.length;
    return bytes;
  }

  /** A whole header block: a view of the input, or assembled from two pushes. */
  #takeBlock(): Uint8Array | undefined {
    if (this.#partialLength === 0 && this.#input.length - this.#position >= BLOCK_SIZE)
      return this.#take(BLOCK_SIZE);
    const bytes = this.#take(BLOCK_SIZE - this.#partialLength);
    this.#partial.set(bytes, this.#partialLength);
    this.#partialLength += bytes.length;
    if (this.#partialLength < BLOCK_SIZE) return undefined;
    this.#partialLength = 0;
    return this.#partial;
  }

  #readHeader(): TarEntry | 'more' | 'extension' {
    const block = this.#takeBlock();
    if (block === undefined) return 'more';
    const offset = this.offset - BLOCK_SIZE;
    if (isZeroBlock(block)) {
      if (this.#hasExtension()) throw headerError(offset, 'the archive ends where a member must follow');
      this.#state = 'ended';
      return 'extension';
    }
    const header = parseHeader(block, offset);
    if (EXTENSIONS.has(header.typeflag)) return this.#beginExtension(header, offset);
    this.#entries++;
    return this.#beginEntry(header, offset);
  }

  #beginExtension(header: TarHeader, offset: number): 'extension' {
    if (header.size > MAX_EXTENSION_SIZE) {
      throw new ArchiveError(
        'tar-too-large',
        `Cannot read the extended header at offset ${offset}: it has ${header.size} bytes`,
        {
          data: { offset, size: header.size, limit: MAX_EXTENSION_SIZE },
        },
      );
    }
    this.#extension = header.typeflag === 'X' ? 'x' : (header.typeflag as Extension);
    this.#setBody(header.size);
    this.#collected = [];
    this.#state = 'extension';
    return 'extension';
  }

  #readExtension(): boolean {
    if (this.#remaining > 0) {
      const bytes = this.#take(this.#remaining);
      if (bytes.length > 0) this.#collected.push(copyBytes(bytes));
      this.#remaining -= bytes.length;
      if (this.#remaining > 0) return false;
    }
    this.#applyExtension(concatBytes(this.#collected));
    this.#collected = [];
    this.#state = 'padding';
    return true;
  }

  #applyExtension(body: Uint8Array): void {
    const offset = this.offset - body.length;
    if (this.#extension === 'x') this.#local = parsePax(body, offset);
    else if (this.#extension === 'g') this.#global = new Map([...this.#global, ...parsePax(body, offset)]);
    else if (this.#extension === 'L') this.#longName = upToNul(body);
    else this.#longLink = upToNul(body);
  }

  #hasExtension(): boolean {
    return this.#local !== NO_RECORDS || this.#longName !== undefined || this.#longLink !== undefined;
  }

  #beginEntry(header: TarHeader, offset: number): TarEntry {
    const records = this.#global.size === 0 ? this.#local : new Map([...this.#global, ...this.#local]);
    const name = records.get('path') ?? this.#longName ?? header.name;
    const link = records.get('linkpath') ?? this.#longLink ?? header.linkname;
    const isOldDirectory = (header.typeflag === '\0' || header.typeflag === '0') && name.endsWith('/');
    const isSparse = header.typeflag === 'S' || records.has(SPARSE);
    const type = isOldDirectory ? 'directory' : isSparse ? 'unknown' : entryTypeOf(header.typeflag);
    const size = paxSize(records, offset) ?? header.size;
    const hasBody = type === 'file' || type === 'unknown';
    this.#setBody(hasBody ? size : 0);
    this.#local = NO_RECORDS;
    this.#longName = undefined;
    this.#longLink = undefined;
    this.#state = 'body';
    return {
      path: withoutTrailingSlashes(name),
      type,
      mode: header.mode,
      size: hasBody ? size : 0,
      mtime: header.mtime,
      linkPath: type === 'symlink' || type === 'hardlink' ? link : undefined,
    };
  }

  #setBody(size: number): void {
    this.#remaining = size;
    this.#padding = (BLOCK_SIZE - (size % BLOCK_SIZE)) % BLOCK_SIZE;
  }
}

function upToNul(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return toLatin1(end < 0 ? bytes : bytes.subarray(0, end));
}
