// The expected results: digests from the case or its input, otherwise the result of the first contender.
import type { Verdict } from './case.js';

/** Digests by kind of result. */
export type ExpectedDigests = Readonly<Record<string, string>>;

interface Expectation {
  readonly digest: string;
  readonly by: string;
}

export class Expectations {
  readonly #known = new Map<string, Expectation>();

  /** @param ofCase comes from the definition; `ofInput` was computed independently of the contenders when the input was generated */
  constructor(ofCase: ExpectedDigests = {}, ofInput: ExpectedDigests = {}) {
    this.#add(ofInput, 'the input');
    this.#add(ofCase, 'the case');
  }

  /** @throws Error for a wrong result */
  compare({ kind, digest, expected }: Verdict, name: string): void {
    if (expected !== undefined) this.#add({ [kind]: expected }, 'the oracle');
    const known = this.#known.get(kind);
    if (known === undefined) this.#known.set(kind, { digest, by: `"${name}"` });
    else if (known.digest !== digest)
      throw new Error(`Wrong result: its ${kind} are ${digest}, those of ${known.by} ${known.digest}`);
  }

  #add(digests: ExpectedDigests, by: string): void {
    for (const [kind, digest] of Object.entries(digests)) this.#known.set(kind, { digest, by });
  }
}
