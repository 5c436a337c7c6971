// How long each phase of an operation took.

export class Phases {
  readonly #milliseconds: Record<string, number> = {};
  #current: string | undefined;
  #since = 0;

  /** Ends the current phase and begins another; time of a phase that is begun again adds up. */
  begin(phase: string): void {
    this.end();
    this.#current = phase;
    this.#since = performance.now();
  }

  end(): void {
    if (this.#current === undefined) return;
    const elapsed = performance.now() - this.#since;
    this.#milliseconds[this.#current] = (this.#milliseconds[this.#current] ?? 0) + elapsed;
    this.#current = undefined;
  }

  get milliseconds(): Readonly<Record<string, number>> {
    return { ...this.#milliseconds };
  }
}
