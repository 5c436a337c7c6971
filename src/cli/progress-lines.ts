// Progress on a terminal: one line per package in progress, redrawn in place, with warnings above.
import type { ProgressEvent } from '../core/progress.js';
import type { Console } from './console.js';
import { formatBytes } from './render/format.js';

const REDRAW_INTERVAL = 80;

interface ActivePackage {
  readonly name: string;
  bytes: number;
  size: number | undefined;
  files: number;
}

/** Shows events; only warnings where stderr is not a terminal. */
export class ProgressLines {
  readonly #console: Console;
  readonly #active = new Map<string, ActivePackage>();
  /** Hashes. There may be many, so they share one line. */
  readonly #waiting = new Set<string>();
  readonly #isLive: boolean;
  #drawn = 0;
  #lastDraw = 0;

  constructor(console: Console) {
    this.#console = console;
    this.#isLive = console.err.isTerminal && console.json === undefined;
  }

  handle(event: ProgressEvent): void {
    this.#console.event(event);
    if (event.type === 'warning') this.#above(() => this.#console.warn(event.message));
    else if (event.type === 'package-started')
      this.#active.set(event.hash, activeOf(event.package, event.size));
    else if (event.type === 'package-progress') this.#update(event.hash, event);
    else {
      this.#active.delete(event.hash);
      if (event.type === 'package-waits') this.#waiting.add(event.hash);
      else this.#waiting.delete(event.hash);
    }
    this.#draw();
  }

  /** Clears what is drawn, before the result is printed. */
  end(): void {
    this.#erase();
  }

  #update(hash: string, event: Extract<ProgressEvent, { type: 'package-progress' }>): void {
    const active = this.#active.get(hash) ?? activeOf(event.package, event.size);
    this.#active.set(
      hash,
      Object.assign(active, { bytes: event.bytes, size: event.size ?? active.size, files: event.files }),
    );
  }

  #above(print: () => void): void {
    this.#erase();
    print();
  }

  #erase(): void {
    if (this.#drawn > 0) this.#console.err.write(`\x1b[${this.#drawn}A\x1b[J`);
    this.#drawn = 0;
  }

  #draw(): void {
    if (!this.#isLive || performance.now() - this.#lastDraw < REDRAW_INTERVAL) return;
    this.#lastDraw = performance.now();
    this.#erase();
    for (const active of this.#active.values()) this.#line(describe(active));
    if (this.#waiting.size > 0)
      this.#line(`  ${this.#waiting.size} more unpacked, waiting for their dependencies`);
  }

  #line(text: string): void {
    this.#console.err.write(`${this.#console.shown(text).slice(0, this.#console.err.columns - 1)}\n`);
    this.#drawn++;
  }
}

function activeOf(name: string, size: number | undefined): ActivePackage {
  return { name, size, bytes: 0, files: 0 };
}

function describe({ name, bytes, size, files }: ActivePackage): string {
  const total = size === undefined ? '' : ` of ${formatBytes(size)}`;
  const share = size === undefined || size === 0 ? '' : ` (${Math.floor((bytes / size) * 100)} %)`;
  return `  ${name}: ${formatBytes(bytes)}${total}${share}, ${files} files`;
}
