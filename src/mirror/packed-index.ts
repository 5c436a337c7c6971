// A package index that is ready to be published.

export interface PackedIndex {
  /** How many packages it offers. */
  readonly packages: number;
  /** The bytes, from the beginning each time. */
  chunks(): Iterable<Uint8Array>;
  readonly size: number;
  readonly sha256: string;
}
