// Where the command line writes: results to stdout, progress and errors to stderr, as text or JSON. The padding of a padded root is
// never shown, unless the user asks for full paths.
import { BuildcacheError } from '../core/errors.js';
import { hidePadding } from '../store/root/padding.js';
import { isInterruption } from './exit-code.js';

export type JsonMode = 'document' | 'lines' | undefined;

export interface Sink {
  write(text: string): void;
  readonly isTerminal: boolean;
  readonly columns: number;
}

export interface ConsoleOptions {
  readonly out: Sink;
  readonly err: Sink;
  readonly json: JsonMode;
  readonly fullPaths: boolean;
}

export class Console {
  readonly json: JsonMode;
  readonly #options: ConsoleOptions;

  constructor(options: ConsoleOptions) {
    this.#options = options;
    this.json = options.json;
  }

  get err(): Sink {
    return this.#options.err;
  }

  /** Replaces padding by its length. */
  shown(text: string): string {
    return this.#options.fullPaths ? text : hidePadding(text);
  }

  /** Prints a line of the human-readable result; nothing in JSON modes. */
  line(text: string): void {
    if (this.json === undefined) this.#options.out.write(`${this.shown(text)}\n`);
  }

  /** Prints the result in JSON modes: as one document, or as the last event. */
  result(value: unknown): void {
    if (this.json === 'document') this.#options.out.write(`${this.#encode(value, 2)}\n`);
    else if (this.json === 'lines') this.event({ type: 'result', result: value });
  }

  /** Prints an event; with `--json=lines` only. */
  event(value: unknown): void {
    if (this.json === 'lines') this.#options.out.write(`${this.#encode(value)}\n`);
  }

  warn(message: string): void {
    this.#options.err.write(this.shown(`warning: ${message}\n`));
  }

  /** Prints an error as text to stderr, and in JSON modes as the result too. */
  error(error: unknown): void {
    this.#options.err.write(this.shown(describeError(error)));
    if (this.json !== undefined) this.result({ error: errorAsJson(error) });
  }

  #encode(value: unknown, indent?: number): string {
    const replacer = (_key: string, each: unknown) => {
      if (typeof each === 'string') return this.shown(each);
      return each instanceof Error ? errorAsJson(each) : each;
    };
    return JSON.stringify(value, replacer, indent);
  }
}

/** Formats an error as text: message, hint, code. Never a stack trace. */
export function describeError(error: unknown): string {
  if (isInterruption(error)) return 'interrupted\n';
  if (!(error instanceof BuildcacheError)) {
    const message = error instanceof Error ? error.message : String(error);
    return `error: ${message}\n  This is a bug in regraft: please report it, with the output of REGRAFT_DEBUG=1\n`;
  }
  const hint = error.hint === undefined ? '' : `  hint: ${error.hint}\n`;
  return `error: ${error.message}\n${hint}  code: ${error.code}\n`;
}

export interface JsonError {
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
  readonly retryable?: boolean;
  readonly data?: unknown;
}

export function errorAsJson(error: unknown): JsonError {
  if (error instanceof BuildcacheError) {
    const { code, message, hint, retryable, data } = error;
    return { code, message, ...(hint === undefined ? {} : { hint }), retryable, data };
  }
  if (isInterruption(error)) return { code: 'interrupted', message: 'interrupted' };
  return { code: 'internal', message: error instanceof Error ? error.message : String(error) };
}
