// Reads Spack's spec syntax: name, `@version`, `+variant`, `key=value`, `/hash`, `%direct` and `^any` dependencies with properties in
// brackets (Spack's documentation, "Spec Syntax", as of 1.1: what stands behind a `%` is said of that dependency).

import { UsageError } from '../../core/errors.js';
import type { DependencyType } from '../spec.js';
import { isCompilerFlag } from '../variants.js';
import { parseVersionRange, type VersionRange } from '../version.js';
import type { Constraint, DependencyConstraint, NodeConstraint, VariantConstraint } from './constraint.js';

const BLANKS = /\s+/y;
const KEY = /([A-Za-z0-9_][A-Za-z0-9_.-]*)(:?)(==?)/y;
/** `c,cxx=gcc`: virtuals, and the package that provides them. */
const VIRTUALS = /\s*([A-Za-z0-9_][A-Za-z0-9_-]*(?:,[A-Za-z0-9_][A-Za-z0-9_-]*)*)=(?=[A-Za-z0-9_])/y;
const BARE_VALUE = /[A-Za-z0-9_\-+*.,:=~/\\]+/y;
const EDGE_VALUE = /[A-Za-z0-9_\-+*.,:=%^~/\\]+/y;
const QUOTED_VALUE = /'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"/y;
const PACKAGE_NAME = /\*|[A-Za-z0-9_][A-Za-z0-9_-]*(?:\.[A-Za-z0-9_][A-Za-z0-9_-]*)*/y;
const SIGIL_NAME = /\s*([A-Za-z0-9_][A-Za-z0-9_.-]*)/y;
const HASH = /\/([A-Za-z0-9_]+)/y;
const SWITCH = /\+\+?|~~?|--?/y;
const AT = /\s*@\s*/y;
const GIT_VERSION =
  /(?:git\.[A-Za-z0-9_][A-Za-z0-9_./-]*|[A-Fa-f0-9]{40}\b)(?:=[A-Za-z0-9_][A-Za-z0-9_.-]*\b)?/y;
const VERSION_ITEM =
  /=?[A-Za-z0-9_][A-Za-z0-9_.-]*\b(?::(?:[A-Za-z0-9_][A-Za-z0-9_.-]*\b(?!\s*=))?)?|:(?:[A-Za-z0-9_][A-Za-z0-9_.-]*\b(?!\s*=))?/y;
const COMMA = /\s*,\s*/y;

const ARCHITECTURE_KEYS: ReadonlyMap<string, 'platform' | 'os' | 'target'> = new Map([
  ['platform', 'platform'],
  ['os', 'os'],
  ['operating_system', 'os'],
  ['target', 'target'],
]);

const PERCENT = /%%?/y;

const DEPENDENCY_TYPES: readonly DependencyType[] = ['build', 'link', 'run', 'test'];
/** A condition may have dependencies with conditions. */
const DEEPEST_CONDITION = 4;

type EdgeProperties = Omit<DependencyConstraint, 'node'>;
const NO_PROPERTIES: EdgeProperties = { virtuals: [], types: [], when: undefined };

/** Longer texts are no specs, and would only cost time. */
const LONGEST_TEXT = 64 * 1024;

/**
 * Parses a spec as written on the command line or in a configuration.
 *
 * @param text - for example `zlib@1.2: %gcc +shared ^cmake@3`.
 * @throws UsageError `spec-syntax` with the position in `data`.
 */
export function parseConstraint(text: string): Constraint {
  return new SpecReader(text).readSpec();
}

interface MutableNode {
  name: string | undefined;
  namespace: string | undefined;
  versions: readonly VersionRange[];
  direct: DependencyConstraint[];
  variants: Map<string, VariantConstraint>;
  flags: Map<string, readonly string[]>;
  platform: string | undefined;
  os: string | undefined;
  target: string | undefined;
  hash: string | undefined;
}

class SpecReader {
  readonly #text: string;
  readonly #depth: number;
  #position = 0;

  /** @param depth how many conditions the text lies in */
  constructor(text: string, depth = 0) {
    this.#text = text;
    this.#depth = depth;
    if (text.length > LONGEST_TEXT) throw this.#error('the text is too long');
  }

  readSpec(): Constraint {
    const node = this.#readNode();
    const dependencies: DependencyConstraint[] = [];
    while (this.#accept('^')) dependencies.push(this.#readDependency(this.#readNode, '^'));
    if (this.#position < this.#text.length) throw this.#unexpected();
    return { ...node, dependencies };
  }

  /** What stands behind a sigil: properties of the edge, virtuals, and the node as `read` takes it. */
  #readDependency(read: () => NodeConstraint, sigil: string): DependencyConstraint {
    const properties = this.#accept('[') ? this.#readEdgeProperties() : NO_PROPERTIES;
    const virtuals = this.#take(VIRTUALS)?.[1]?.split(',') ?? [];
    this.#skipBlanks();
    const start = this.#position;
    const node = read.call(this);
    if (this.#text.slice(start, this.#position).trim() === '')
      throw this.#error(`a dependency is missing after "${sigil}"`);
    return { ...properties, node, virtuals: [...properties.virtuals, ...virtuals] };
  }

  #readEdgeProperties(): EdgeProperties {
    let properties = NO_PROPERTIES;
    for (;;) {
      this.#skipBlanks();
      if (this.#accept(']')) return properties;
      const start = this.#position;
      const key = this.#take(KEY)?.[1];
      if (key === undefined) throw this.#unexpected();
      if (key !== 'virtuals' && key !== 'deptypes' && key !== 'when') {
        this.#position = start;
        throw this.#error(`"${key}" is not a property of a dependency`);
      }
      const value = this.#readValue(EDGE_VALUE);
      if (key === 'when') properties = { ...properties, when: this.#readCondition(value) };
      else if (key === 'virtuals') properties = { ...properties, virtuals: value.split(',') };
      else properties = { ...properties, types: value.split(',').flatMap((type) => this.#typesOf(type)) };
    }
  }

  #readCondition(text: string): Constraint {
    if (this.#depth >= DEEPEST_CONDITION) throw this.#error('conditions are nested too deeply');
    return new SpecReader(text, this.#depth + 1).readSpec();
  }

  #typesOf(text: string): readonly DependencyType[] {
    if (text === 'all') return DEPENDENCY_TYPES;
    const type = DEPENDENCY_TYPES.find((each) => each === text);
    if (type === undefined) throw this.#error(`"${text}" is no type of dependencies`);
    return [type];
  }

  /** A node with its direct dependencies. */
  #readNode(): NodeConstraint {
    const node = this.#readOwnProperties();
    while (this.#take(PERCENT) !== undefined)
      node.direct.push(this.#readDependency(this.#readOwnProperties, '%'));
    return node;
  }

  #readOwnProperties(): MutableNode {
    const node: MutableNode = {
      name: undefined,
      namespace: undefined,
      versions: [],
      direct: [],
      variants: new Map(),
      flags: new Map(),
      platform: undefined,
      os: undefined,
      target: undefined,
      hash: undefined,
    };
    this.#skipBlanks();
    this.#readName(node);
    for (this.#skipBlanks(); this.#readProperty(node); this.#skipBlanks());
    return node;
  }

  #readName(node: MutableNode): void {
    if (this.#peek(KEY)) return;
    const name = this.#take(PACKAGE_NAME)?.[0];
    // A star is any package.
    if (name === undefined || name === '*') return;
    const dot = name.lastIndexOf('.');
    node.name = name.slice(dot + 1);
    if (dot >= 0) node.namespace = name.slice(0, dot);
  }

  /** One property of a node; false where none begins. */
  #readProperty(node: MutableNode): boolean {
    switch (this.#text[this.#position]) {
      case '@':
        this.#readNodeVersions(node);
        return true;
      case '/':
        this.#readHash(node);
        return true;
      case '+':
      case '~':
      case '-':
        this.#readSwitch(node);
        return true;
      default:
        return this.#readKeyValue(node);
    }
  }

  #readNodeVersions(node: MutableNode): void {
    if (node.versions.length > 0) throw this.#error('a second version');
    node.versions = this.#readVersions();
  }

  #readVersions(): readonly VersionRange[] {
    if (this.#take(AT) === undefined) return [];
    const ranges: VersionRange[] = [];
    do ranges.push(this.#readVersion());
    while (this.#take(COMMA) !== undefined);
    return ranges;
  }

  #readVersion(): VersionRange {
    const start = this.#position;
    const text = (this.#take(GIT_VERSION) ?? this.#take(VERSION_ITEM))?.[0];
    if (text === undefined) throw this.#error('a version is missing after "@"');
    const range = parseVersionRange(text);
    if (range !== undefined) return range;
    this.#position = start;
    throw this.#error(`"${text}" is not a version range`);
  }

  #readHash(node: MutableNode): void {
    if (node.hash !== undefined) throw this.#error('a second hash');
    const hash = this.#take(HASH)?.[1];
    if (hash === undefined) throw this.#error('a hash is missing after "/"');
    node.hash = hash;
  }

  #readSwitch(node: MutableNode): void {
    const sign = this.#take(SWITCH)?.[0] ?? '';
    const name = this.#take(SIGIL_NAME)?.[1];
    if (name === undefined) throw this.#error(`a variant is missing after "${sign}"`);
    this.#addVariant(node, name, {
      value: sign.startsWith('+'),
      isExact: false,
      isPropagated: sign.length === 2,
    });
  }

  #readKeyValue(node: MutableNode): boolean {
    const [, key, colon, equals] = this.#take(KEY) ?? [];
    if (key === undefined) return false;
    const value = this.#readValue(BARE_VALUE);
    const part = ARCHITECTURE_KEYS.get(key);
    if (key === 'arch' || key === 'architecture') this.#setArchitecture(node, value);
    else if (part !== undefined) this.#setPart(node, part, value);
    else if (key === 'namespace') node.namespace = value;
    else if (isCompilerFlag(key)) this.#addFlags(node, key, value);
    else
      this.#addVariant(node, key, {
        value: parseVariantValue(value),
        isExact: colon === ':',
        isPropagated: equals === '==',
      });
    return true;
  }

  #readValue(bare: RegExp): string {
    const quoted = this.#take(QUOTED_VALUE);
    if (quoted !== undefined) return (quoted[1] ?? quoted[2] ?? '').replace(/\\(['"])/g, '$1');
    const value = this.#take(bare)?.[0];
    if (value === undefined) throw this.#error('a value is missing after "="');
    return value;
  }

  #addFlags(node: MutableNode, key: string, value: string): void {
    const flags = value.split(/\s+/).filter((flag) => flag !== '');
    if (flags.length > 0) node.flags.set(key, [...(node.flags.get(key) ?? []), ...flags]);
  }

  #addVariant(node: MutableNode, name: string, value: VariantConstraint): void {
    if (node.variants.has(name)) throw this.#error(`variant "${name}" is given twice`);
    node.variants.set(name, value);
  }

  /** `platform-os-target`, or just a target. */
  #setArchitecture(node: MutableNode, value: string): void {
    const [platform = '', os = '', target = '', ...more] = value.split('-');
    if (target === '' || more.length > 0) {
      this.#setPart(node, 'target', value);
      return;
    }
    this.#setPart(node, 'platform', platform);
    this.#setPart(node, 'os', os);
    this.#setPart(node, 'target', target);
  }

  #setPart(node: MutableNode, part: 'platform' | 'os' | 'target', value: string): void {
    if (node[part] !== undefined) throw this.#error(`a second ${part}`);
    node[part] = value;
  }

  #skipBlanks(): void {
    this.#take(BLANKS);
  }

  #accept(character: string): boolean {
    if (this.#text[this.#position] !== character) return false;
    this.#position++;
    return true;
  }

  #peek(pattern: RegExp): boolean {
    pattern.lastIndex = this.#position;
    return pattern.test(this.#text);
  }

  #take(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#position;
    const match = pattern.exec(this.#text);
    if (match === null) return undefined;
    this.#position += match[0].length;
    return match;
  }

  #unexpected(): UsageError {
    const character = this.#text[this.#position];
    if (character === undefined) return this.#error('it ends too early');
    const isWord = /[A-Za-z0-9_]/.test(character);
    return this.#error(isWord ? 'a second package begins' : `unexpected "${character}"`);
  }

  #error(reason: string): UsageError {
    const shown = this.#text.length > 200 ? `${this.#text.slice(0, 200)}…` : this.#text;
    return new UsageError(
      'spec-syntax',
      `Cannot parse the spec "${shown}": ${reason} at position ${this.#position + 1}`,
      { data: { text: shown, position: this.#position, reason } },
    );
  }
}

function parseVariantValue(text: string): VariantConstraint['value'] {
  if (/^true$/i.test(text)) return true;
  if (/^false$/i.test(text)) return false;
  return text.split(/\s*,\s*/);
}
