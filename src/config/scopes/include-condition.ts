// The `when:` of an include: a condition in Python's syntax. What people write in one is understood here; the rest only Spack can evaluate.
import { hostname } from 'node:os';
import { UsageError } from '../../core/errors.js';
import type { Environment } from '../../host/environment.js';

export interface Condition {
  readonly text: string;
  /** The file that has it. */
  readonly file: string;
}

/** What a condition may ask for. */
export interface ConditionContext {
  readonly environment: Environment;
  /** `platform`, `os`, `target`; undefined for what is not known here. */
  readonly variable: (name: string) => string | undefined;
}

type Value = string | boolean | null | Environment;

/**
 * Evaluates a condition.
 * @throws UsageError `config` for what only Spack can evaluate.
 */
export function evaluateCondition(condition: Condition, context: ConditionContext): boolean {
  const refuse = (): never => {
    const { text, file } = condition;
    throw new UsageError('config', `Cannot use "${file}": only Spack can evaluate "when: ${text}"`, {
      hint: "Compare platform, os, target, hostname and env['NAME'] with strings, by ==, !=, in, not in, and, or, not",
      data: { file, when: text },
    });
  };
  return isTrue(new Evaluation({ tokens: tokensOf(condition.text) ?? refuse(), context, refuse }).whole());
}

const TOKEN = /\s*(?:("[^"\\]*"|'[^'\\]*')|([A-Za-z_]\w*)|(==|!=|[()[\].,]))\s*/y;

function tokensOf(text: string): string[] | undefined {
  const tokens: string[] = [];
  for (TOKEN.lastIndex = 0; TOKEN.lastIndex < text.length; ) {
    const found = TOKEN.exec(text);
    if (found === null) return undefined;
    tokens.push(found[1] ?? found[2] ?? found[3] ?? '');
  }
  return tokens;
}

interface EvaluationSetup {
  readonly tokens: readonly string[];
  readonly context: ConditionContext;
  readonly refuse: () => never;
}

/** Recursive descent; both sides of `and` and `or` are evaluated, which has no effects. */
class Evaluation {
  readonly #setup: EvaluationSetup;
  #at = 0;

  constructor(setup: EvaluationSetup) {
    this.#setup = setup;
  }

  whole(): Value {
    const value = this.#or();
    return this.#at === this.#setup.tokens.length ? value : this.#setup.refuse();
  }

  #or(): Value {
    let value = this.#and();
    while (this.#take('or')) {
      const other = this.#and();
      if (!isTrue(value)) value = other;
    }
    return value;
  }

  #and(): Value {
    let value = this.#not();
    while (this.#take('and')) {
      const other = this.#not();
      if (isTrue(value)) value = other;
    }
    return value;
  }

  #not(): Value {
    return this.#take('not') ? !isTrue(this.#not()) : this.#comparison();
  }

  #comparison(): Value {
    const left = this.#operand();
    if (this.#take('==')) return left === this.#operand();
    if (this.#take('!=')) return left !== this.#operand();
    if (this.#take('in')) return this.#contains(this.#operand(), left);
    if (this.#take('not')) {
      this.#expect('in');
      return !this.#contains(this.#operand(), left);
    }
    return left;
  }

  #contains(whole: Value, part: Value): boolean {
    if (typeof part !== 'string') return this.#setup.refuse();
    if (typeof whole === 'string') return whole.includes(part);
    return isEnvironment(whole) ? whole[part] !== undefined : this.#setup.refuse();
  }

  #operand(): Value {
    const token = this.#next();
    if (token === '(') {
      const value = this.#or();
      this.#expect(')');
      return value;
    }
    if (/^["']/.test(token)) return token.slice(1, -1);
    if (token === 'True' || token === 'False') return token === 'True';
    if (token === 'None') return null;
    if (token === 'env') return this.#environment();
    return this.#variable(token) ?? this.#setup.refuse();
  }

  /** `env`, `env["X"]`, `env.get("X")`, `env.get("X", "y")` */
  #environment(): Value {
    const { environment } = this.#setup.context;
    if (this.#take('[')) {
      const value = environment[this.#text()];
      this.#expect(']');
      return value ?? this.#setup.refuse();
    }
    if (!this.#take('.')) return environment;
    this.#expect('get');
    this.#expect('(');
    const name = this.#text();
    const otherwise = this.#take(',') ? this.#operand() : null;
    this.#expect(')');
    return environment[name] ?? otherwise;
  }

  #variable(name: string): string | undefined {
    return name === 'hostname' ? hostname() : this.#setup.context.variable(name);
  }

  #text(): string {
    const value = this.#operand();
    return typeof value === 'string' ? value : this.#setup.refuse();
  }

  #next(): string {
    const token = this.#setup.tokens[this.#at++];
    return token ?? this.#setup.refuse();
  }

  #take(token: string): boolean {
    if (this.#setup.tokens[this.#at] !== token) return false;
    this.#at++;
    return true;
  }

  #expect(token: string): void {
    if (!this.#take(token)) this.#setup.refuse();
  }
}

function isEnvironment(value: Value): value is Environment {
  return typeof value === 'object' && value !== null;
}

/** As in Python. */
function isTrue(value: Value): boolean {
  if (isEnvironment(value)) return Object.keys(value).length > 0;
  return value !== null && value !== false && value !== '';
}
