// Spack's format strings: texts with `{attribute}` tokens that are replaced with values of a node (Spack's documentation of `Spec.format`).

import { UsageError } from '../core/errors.js';
import { compilerOf } from './compiler.js';
import type { Architecture, NodeGraph, SpecNode } from './spec.js';
import { formatFlags, formatVariant, formatVariants, variantOf } from './variants.js';

/** Printed for the compiler of a package that has none. */
const NO_COMPILER = 'none';

const SIGILS: readonly { readonly sigil: string; readonly fits: RegExp; readonly printed: string }[] = [
  { sigil: '@', fits: /(?:^|\.)versions?$/, printed: '@' },
  { sigil: '%', fits: /^compiler(?:\.name)?$/, printed: '%' },
  { sigil: '/', fits: /^hash(?::\d+)?$/, printed: '/' },
  { sigil: 'arch=', fits: /^arch(?:itecture)?$/, printed: ' arch=' },
];

interface Subject {
  readonly node: SpecNode;
  readonly graph: NodeGraph | undefined;
}

/**
 * Expands a format string. Tokens are case-insensitive; `\` escapes the next character. Blanks at both ends are trimmed.
 *
 * @param template - for example `{name}{@version}{/hash:7}`.
 * @param node - whose attributes are printed.
 * @param graph - its graph, for `{^dependency.…}` and for the compiler of nodes of format 5.
 * @throws UsageError `projection` when the template is malformed or names an unknown attribute or dependency.
 */
export function formatNode(template: string, node: SpecNode, graph?: NodeGraph): string {
  const oldStyle = /\$\{[A-Z]+\}/.exec(template);
  if (oldStyle !== null) throw malformed(template, `"${oldStyle[0]}" is the syntax of old Spacks`);
  let text = '';
  for (const part of splitTemplate(template)) {
    text += part.type === 'text' ? part.text : formatToken(part.text, { node, graph }, template);
  }
  return text.trim();
}

type Part = { readonly type: 'text' | 'token'; readonly text: string };

const PART = /\\([\s\S])|\{([^}]*)\}|[^\\{}]+|[\s\S]/g;

function* splitTemplate(template: string): Generator<Part> {
  for (const [part, escaped, token] of template.matchAll(PART)) {
    if (token !== undefined) yield { type: 'token', text: token };
    else if (part === '{') throw malformed(template, 'a "{" is not closed');
    else if (part === '}') throw malformed(template, 'a "}" has no matching "{"');
    else if (part !== '\\') yield { type: 'text', text: escaped ?? part };
  }
}

function formatToken(token: string, subject: Subject, template: string): string {
  let attribute = token.toLowerCase();
  const sigil = SIGILS.find((candidate) => attribute.startsWith(candidate.sigil));
  if (sigil !== undefined) attribute = attribute.slice(sigil.sigil.length);
  let target = subject;
  if (attribute.startsWith('^'))
    [target, attribute] = selectDependency(attribute.slice(1), subject, template);
  if (sigil !== undefined && !sigil.fits.test(attribute)) {
    throw malformed(template, `"${sigil.sigil}" cannot stand before "${attribute}"`);
  }
  const value = readAttribute(attribute, target, template);
  return value === undefined ? '' : `${sigil?.printed ?? ''}${value}`;
}

function selectDependency(text: string, { node, graph }: Subject, template: string): [Subject, string] {
  const dot = text.indexOf('.');
  if (dot < 0) throw malformed(template, `"^${text}" names no attribute of the dependency`);
  const name = text.slice(0, dot);
  const found = findBelow(name, node, graph);
  if (found === undefined) throw malformed(template, `"${node.name}" has no dependency "${name}"`);
  return [{ node: found, graph }, text.slice(dot + 1)];
}

/** The node itself or its nearest dependency with that name; otherwise one that provides a virtual of that name. */
function findBelow(name: string, node: SpecNode, graph: NodeGraph | undefined): SpecNode | undefined {
  const queue = [node];
  const seen = new Set(queue);
  let provider: SpecNode | undefined;
  for (const current of queue) {
    if (current.name === name) return current;
    for (const edge of current.dependencies) {
      const child = graph?.nodes.get(edge.hash);
      if (child === undefined || seen.has(child)) continue;
      if (edge.virtuals.includes(name)) provider ??= child;
      seen.add(child);
      queue.push(child);
    }
  }
  return provider;
}

/** The text of an attribute; undefined prints nothing, not even the sigil. */
function readAttribute(attribute: string, subject: Subject, template: string): string | undefined {
  const hash = /^hash(?::(\d{1,3}))?$/.exec(attribute);
  if (hash !== null) return subject.node.hash.slice(0, hash[1] === undefined ? undefined : Number(hash[1]));
  const [first = '', ...rest] = attribute.split('.');
  const path = rest.join('.');
  switch (first) {
    case 'arch':
    case 'architecture':
      return readArchitecture(path, subject.node.arch) ?? unknown(attribute, template);
    case 'version':
    case 'versions':
      return readVersion(first, path, subject.node.version) ?? unknown(attribute, template);
    case 'compiler':
      return readCompiler(path, subject) ?? unknown(attribute, template);
    case 'variants':
      return readVariant(rest, subject.node) ?? unknown(attribute, template);
    default: {
      const plain = readPlainAttribute(attribute, subject.node);
      return plain === null ? unknown(attribute, template) : plain;
    }
  }
}

function readArchitecture(path: string, arch: Architecture): string | undefined {
  switch (path) {
    case '':
      return `${arch.platform}-${arch.os}-${arch.target}`;
    case 'platform':
      return arch.platform;
    case 'os':
      return arch.os;
    case 'target':
    case 'target.name':
      return arch.target;
    default:
      return undefined;
  }
}

function readVersion(name: 'version' | 'versions', path: string, version: string): string | undefined {
  switch (path) {
    case '':
      return name === 'versions' && version !== '' ? `=${version}` : version;
    case 'string':
      return version;
    case 'dotted':
      return version.replace(/[-_]/g, '.');
    case 'dashed':
      return version.replace(/[._]/g, '-');
    case 'underscored':
      return version.replace(/[.-]/g, '_');
    case 'joined':
      return version.replace(/[._-]/g, '');
    default:
      return undefined;
  }
}

function readCompiler(path: string, { node, graph }: Subject): string | undefined {
  const compiler = compilerOf(node, graph);
  const { name, version } = compiler ?? { name: NO_COMPILER, version: NO_COMPILER };
  switch (path) {
    case '':
      return compiler === undefined ? NO_COMPILER : `${name}@=${version}`;
    case 'name':
      return name;
    case 'version':
      return version;
    case 'versions':
      return compiler === undefined ? NO_COMPILER : `=${version}`;
    case 'display_str':
      return compiler === undefined ? NO_COMPILER : `${name}@${version}`;
    default:
      return undefined;
  }
}

function readVariant(path: readonly string[], node: SpecNode): string | undefined {
  const [name, field] = path;
  if (name === undefined) return formatVariants(node);
  const value = variantOf(node, name);
  if (value === undefined || path.length > 2) return undefined;
  if (field === undefined) return formatVariant(name, value);
  if (field === 'name') return name;
  if (field !== 'value') return undefined;
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  return typeof value === 'string' ? value : formatTuple(value);
}

/** Several values are printed like a Python tuple. */
function formatTuple(values: readonly string[]): string {
  return `(${values.map((value) => `'${value}'`).join(', ')}${values.length === 1 ? ',' : ''})`;
}

/** The text; undefined if nothing is printed, null for an unknown attribute. */
function readPlainAttribute(attribute: string, node: SpecNode): string | undefined | null {
  switch (attribute) {
    case 'name':
      return node.name;
    case 'namespace':
      return node.namespace;
    case 'fullname':
      return node.namespace === undefined ? node.name : `${node.namespace}.${node.name}`;
    case 'platform':
      return node.arch.platform;
    case 'os':
      return node.arch.os;
    case 'target':
    case 'target.name':
      return node.arch.target;
    case 'compiler_flags':
      return formatFlags(node);
    case 'external':
      return node.external === undefined ? 'False' : 'True';
    case 'external_path':
      return node.external?.path;
    case 'concrete':
      return 'True';
    default:
      return null;
  }
}

function unknown(attribute: string, template: string): never {
  throw malformed(
    template,
    attribute === '' ? '"{}" has no attribute name' : `unknown attribute "${attribute}"`,
  );
}

function malformed(template: string, reason: string): UsageError {
  return new UsageError('projection', `Cannot expand "${template}": ${reason}`, {
    data: { template, reason },
  });
}
