// Raw material for generated packages: this machine's programs and libraries, and seeded text.
import { readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** A small seeded generator (xorshift32): the same seed gives the same input on every machine. */
export class SeededRandom {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0 || 0x9e3779b9;
  }

  /** A whole number from 0 up to `limit`, exclusive. */
  below(limit: number): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return (this.#state >>> 0) % limit;
  }
}

/** Bytes of real machine code and data: the interpreter that runs this, and shared libraries. */
export function machineCode(limit: number): Buffer {
  const parts: Buffer[] = [readFileSync(realpathSync(process.execPath))];
  let size = parts[0]?.length ?? 0;
  for (const path of libraries('/usr/lib')) {
    if (size >= limit) break;
    const content = readFileSync(path);
    parts.push(content);
    size += content.length;
  }
  return Buffer.concat(parts).subarray(0, limit);
}

function* libraries(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true }).sort((a, b) =>
    a.name < b.name ? -1 : 1,
  )) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* libraries(path);
    else if (entry.isFile() && /\.so(\.|$)/.test(entry.name) && statSync(path).size > 4096) yield path;
  }
}

const WORDS = [
  'include',
  'static',
  'const',
  'return',
  'struct',
  'template',
  'double',
  'matrix',
  'solver',
  'index',
  'node',
  'value',
  'begin',
  'end',
  'option',
];

/** Text like a header file's, about `size` bytes. */
export function headerText(random: SeededRandom, size: number): string {
  const lines: string[] = [];
  for (let length = 0; length < size; ) {
    const words = Array.from({ length: 3 + random.below(8) }, () => WORDS[random.below(WORDS.length)] ?? '');
    const line = `${words.join(' ')} ${random.below(100_000)};`;
    lines.push(line);
    length += line.length + 1;
  }
  return lines.join('\n');
}
