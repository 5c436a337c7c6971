// Where the writer of a package puts its bytes; an implementation compresses them.

export interface ContentSink {
  /** Bytes received so far. */
  readonly contentSize: number;
  /** Memory for at least one more byte: fill its beginning, then call `advance`. */
  space(): Promise<Uint8Array>;
  /** Says how much of the space was filled. */
  advance(length: number): Promise<void>;
  write(bytes: Uint8Array): Promise<void>;
  writeZeros(count: number): Promise<void>;
  /** Ends the content; resolves when all output has been delivered. */
  finish(): Promise<WrittenContent>;
  /** Gives the memory back after an error; no more output is delivered. */
  abandon(): Promise<void>;
}

export interface WrittenContent {
  /** Of the compressed bytes, in hexadecimal. */
  readonly sha256: string;
  readonly size: number;
  /** Of the bytes before compression. */
  readonly contentSha256: string;
  readonly contentSize: number;
}
