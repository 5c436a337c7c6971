// Where the writer of a package puts its bytes; what compresses them stands behind it.

export interface ContentSink {
  /** Bytes taken so far. */
  readonly contentSize: number;
  /** Memory for the next bytes, at least one: fill its beginning, then `advance`. */
  space(): Promise<Uint8Array>;
  /** Says how much of the space was filled. */
  advance(length: number): Promise<void>;
  write(bytes: Uint8Array): Promise<void>;
  writeZeros(count: number): Promise<void>;
  /** Ends the content; everything has been given out then. */
  finish(): Promise<WrittenContent>;
  /** Gives the memory back after an error; nothing more is given out. */
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
