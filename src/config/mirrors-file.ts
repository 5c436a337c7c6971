// Edits regraft's own `mirrors.yaml`: what people wrote in it, comments included, stays as it is. Written in one step, and for its owner's
// eyes only while it has credentials.
import { mkdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import type { Document, Pair, Scalar, YAMLMap } from 'yaml';
import { closestWord } from '../core/closest-word.js';
import { UsageError } from '../core/errors.js';
import { replaceFile } from '../host/replace-file.js';
import { describeSystemError, isAbsent } from '../host/system-error.js';
import { temporaryName } from '../host/temporary-name.js';
import { parseMirrorsConfig } from './mirrors-config.js';
import { parseKey, parseYaml } from './yaml-file.js';

/** Keys of a mirror, as the file has them; an empty text takes a key away. */
export type MirrorSettings = Readonly<Record<string, string | boolean | Readonly<Record<string, string>>>>;

type Yaml = typeof import('yaml');
type Entry = Pair<Scalar, unknown>;

const SECRET_KEYS = ['access_pair', 'access_token'];

/** regraft's `mirrors.yaml`, as it was when it was read. */
export class MirrorsFile {
  readonly path: string;
  readonly #yaml: Yaml;
  readonly #document: Document;
  readonly #mirrors: YAMLMap;

  /**
   * Reads the file, which need not exist.
   * @throws UsageError `config` for a file that cannot be used.
   */
  constructor(path: string) {
    this.path = path;
    this.#yaml = createRequire(import.meta.url)('yaml') as Yaml;
    const text = readText(path);
    parseYaml(text, path); // tells what is wrong with it
    this.#document = this.#yaml.parseDocument(text);
    this.#mirrors = this.#findMirrors();
  }

  get names(): readonly string[] {
    return this.#entries().map(({ key }) => parseKey(String(key.value)).key);
  }

  /**
   * Adds a mirror, which is searched after those that are there.
   * @throws UsageError `mirror-name` for a name that is taken, or that cannot be one.
   */
  add(name: string, settings: MirrorSettings): void {
    checkName(name);
    if (this.names.includes(name))
      throw new UsageError(
        'mirror-name',
        `Cannot add mirror "${name}": "${this.path}" has one of this name`,
        {
          hint: `Change it with "regraft mirror set ${name}", or choose another name`,
          data: { name, file: this.path },
        },
      );
    const value = this.#document.createNode(withoutEmpty(settings));
    this.#mirrors.items.push(this.#document.createPair(name, value) as Pair);
    this.#check();
  }

  /**
   * Changes keys of a mirror.
   * @throws UsageError `unknown-mirror`
   */
  set(name: string, settings: MirrorSettings): void {
    const entry = this.#find(name);
    const { isMap, YAMLMap: MapNode } = this.#yaml;
    let map = entry.value;
    if (!isMap(map)) {
      map = new MapNode(this.#document.schema);
      (map as YAMLMap).items.push(this.#document.createPair('url', entry.value) as Pair);
      entry.value = map;
    }
    for (const [key, value] of Object.entries(settings)) {
      if (value === '') (map as YAMLMap).delete(key);
      else (map as YAMLMap).set(key, this.#document.createNode(value));
    }
    this.#check();
  }

  /** @throws UsageError `unknown-mirror` */
  remove(name: string): void {
    const entry = this.#find(name);
    this.#mirrors.items.splice(this.#mirrors.items.indexOf(entry as Pair), 1);
  }

  /** @throws UsageError `config` when it cannot be written. */
  write(): void {
    try {
      mkdirSync(dirname(this.path), { recursive: true, mode: 0o700 });
      const path = realPath(this.path);
      const mode = this.#hasSecrets() ? 0o600 : modeOf(path);
      replaceFile({
        path,
        content: this.#document.toString({ lineWidth: 0 }),
        temporary: `${path}.${temporaryName()}`,
        ...(mode === undefined ? {} : { mode }),
      });
    } catch (cause) {
      throw new UsageError('config', `Cannot write "${this.path}": ${describeSystemError(cause)}`, {
        cause,
        data: { file: this.path },
      });
    }
  }

  /** The mapping of the mirrors, made where there is none. */
  #findMirrors(): YAMLMap {
    const { isMap, isScalar, YAMLMap: MapNode } = this.#yaml;
    const document = this.#document;
    const isNothing = (node: unknown) => node === null || (isScalar(node) && node.value === null);
    if (isNothing(document.contents)) document.contents = new MapNode(document.schema) as never;
    if (!isMap(document.contents)) throw this.#unusable('it is not a mapping');
    const root: YAMLMap = document.contents;
    const isMirrors = ({ key }: Pair) => isScalar(key) && parseKey(String(key.value)).key === 'mirrors';
    const entry = root.items.find(isMirrors) ?? (document.createPair('mirrors', null) as Pair);
    if (!root.items.includes(entry)) root.items.push(entry);
    if (isNothing(entry.value)) entry.value = new MapNode(document.schema);
    if (!isMap(entry.value)) throw this.#unusable('"mirrors" is not a mapping');
    // "{}" on one line would grow there.
    if (entry.value.items.length === 0) entry.value.flow = false;
    return entry.value;
  }

  #entries(): readonly Entry[] {
    return this.#mirrors.items as unknown as readonly Entry[];
  }

  #find(name: string): Entry {
    const found = this.#entries().find(({ key }) => parseKey(String(key.value)).key === name);
    if (found !== undefined) return found;
    const meant = closestWord(name, this.names);
    const others = this.names.length === 0 ? 'It has no mirrors' : `It has: ${this.names.join(', ')}`;
    throw new UsageError('unknown-mirror', `Cannot find mirror "${name}" in "${this.path}"`, {
      hint: meant === undefined ? others : `Did you mean "${meant}"?`,
      data: { reference: name, known: this.names, file: this.path },
    });
  }

  /** What is written must be what regraft can read. */
  #check(): void {
    parseMirrorsConfig(this.#document.toString(), this.path);
  }

  #hasSecrets(): boolean {
    let found = false;
    this.#yaml.visit(this.#document, {
      Pair: (_, { key, value }) => {
        const name = this.#yaml.isScalar(key) ? parseKey(String(key.value)).key : '';
        if (!SECRET_KEYS.includes(name)) return;
        found ||= !this.#yaml.isMap(value) || value.has('secret');
      },
      Scalar: (_, { value }) => {
        found ||= typeof value === 'string' && /^[\w+.-]+:\/\/[^/@]*:[^/@]+@/.test(value);
      },
    });
    return found;
  }

  #unusable(state: string): UsageError {
    return new UsageError('config', `Cannot use the configuration file "${this.path}": ${state}`, {
      data: { file: this.path },
    });
  }
}

/** @throws UsageError `mirror-name` */
function checkName(name: string): void {
  if (/^\w[\w.-]*$/.test(name)) return;
  throw new UsageError(
    'mirror-name',
    `Cannot use "${name}" as the name of a mirror: it has other characters than a name`,
    {
      hint: 'Use letters, digits, ".", "_" and "-", with a letter or a digit first; the URL comes after the name',
      data: { name },
    },
  );
}

function withoutEmpty(settings: MirrorSettings): MirrorSettings | string {
  const set = Object.entries(settings).filter(([, value]) => value !== '');
  const [first] = set;
  // A URL alone needs no mapping.
  if (set.length === 1 && first?.[0] === 'url' && typeof first[1] === 'string') return first[1];
  return Object.fromEntries(set);
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    if (isAbsent(cause)) return '';
    throw new UsageError(
      'config',
      `Cannot use the configuration file "${path}": ${describeSystemError(cause)}`,
      {
        cause,
        data: { file: path },
      },
    );
  }
}

/** The file itself, where the path is a link to it. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

/** Undefined for a new file. */
function modeOf(path: string): number | undefined {
  const mode = statSync(path, { throwIfNoEntry: false })?.mode;
  return mode === undefined ? undefined : mode & 0o7777;
}
