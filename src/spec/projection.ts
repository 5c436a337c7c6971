// The path of a package below the root of a store (`config:install_tree:projections`), and how a format string becomes a path
// (FORMATS.md §1 "Paths from a spec").

import { UsageError } from '../core/errors.js';
import { formatNode } from './format.js';
import { type Constraint, satisfies } from './query/constraint.js';
import { parseConstraint } from './query/spec-syntax.js';
import type { NodeGraph, SpecNode } from './spec.js';

/** Spack's default before 1.0, and that of a store without configuration. */
export const DEFAULT_PROJECTION = '{architecture}/{compiler.name}-{compiler.version}/{name}-{version}-{hash}';
/** Spack's default since 1.0. */
export const SPACK_1_PROJECTION = '{architecture.platform}-{architecture.target}/{name}-{version}-{hash}';

const UNSAFE = /[^A-Za-z0-9_.-]/gu;
const UNSAFE_SINCE_SPACK_1 = /[^A-Za-z0-9_.+-]/gu;
const SEPARATOR_IN_TOKEN = /\{[^}]*[/\\][^}]*\}/;

export interface PathRules {
  /** Spack 1.x keeps a `+`. */
  readonly keepPlus?: boolean;
}

/**
 * Expands a template into a relative path: each component separately, so that no attribute can add a directory.
 *
 * @param template - for example `{name}/{version}-{hash:7}`.
 * @param node - the package.
 * @param graph - its graph, for `{^dependency.…}` and for the compiler of nodes of format 5.
 * @throws UsageError `projection` when the template cannot be expanded, or the path is empty, absolute or leaves the root.
 */
export function expandPath(
  template: string,
  node: SpecNode,
  graph?: NodeGraph,
  rules: PathRules = {},
): string {
  if (template.startsWith('/')) throw refused(template, 'it is an absolute path');
  if (SEPARATOR_IN_TOKEN.test(template)) throw refused(template, 'a token contains "/" or "\\"');
  const unsafe = rules.keepPlus === true ? UNSAFE_SINCE_SPACK_1 : UNSAFE;
  const components = template
    .split('/')
    .map((component) => formatNode(component, node, graph).replace(unsafe, '_'))
    .filter((component) => component !== '' && component !== '.');
  if (components.includes('..')) throw refused(template, 'the path leaves the root');
  if (components.length === 0) throw refused(template, 'the path is empty');
  return components.join('/');
}

export interface ProjectionsOptions extends PathRules {
  /** `config:install_hash_length`: the length of every `{hash}`. */
  readonly hashLength?: number;
}

interface Projection {
  readonly constraint: Constraint;
  readonly template: string;
}

/** The projections of a store: the first one whose constraint a package satisfies applies, otherwise `all`. */
export class Projections {
  readonly #projections: readonly Projection[];
  readonly #all: string | undefined;
  readonly #rules: PathRules;

  /**
   * @param entries - constraint and template, in the order of the configuration; `all` applies to everything else.
   * @throws UsageError `projection` for a template that cannot accept the hash length, `spec-syntax` for a constraint.
   */
  constructor(entries: Iterable<readonly [string, string]>, options: ProjectionsOptions = {}) {
    const pairs = [...entries].map(([constraint, template]): [string, string] => [
      constraint,
      limitHash(template.toLowerCase(), options.hashLength),
    ]);
    this.#all = pairs.findLast(([constraint]) => constraint === 'all')?.[1];
    this.#projections = pairs
      .filter(([constraint]) => constraint !== 'all')
      .map(([constraint, template]) => ({ constraint: parseConstraint(constraint), template }));
    this.#rules = { keepPlus: options.keepPlus ?? false };
  }

  /** The projection of a store without configuration. */
  static default(options: ProjectionsOptions = {}): Projections {
    return new Projections([['all', DEFAULT_PROJECTION]], options);
  }

  /** The same of Spack 1.x. */
  static defaultOfSpack1(options: ProjectionsOptions = {}): Projections {
    return new Projections([['all', SPACK_1_PROJECTION]], options);
  }

  /**
   * The template for a package.
   *
   * @throws UsageError `projection` when none applies.
   */
  templateFor(node: SpecNode, graph: NodeGraph): string {
    const fitting = this.#projections.find(({ constraint }) => satisfies(node, graph, constraint));
    const template = fitting?.template ?? this.#all;
    if (template !== undefined) return template;
    throw new UsageError(
      'projection',
      `Cannot place "${node.name}": no projection applies, and there is none for "all"`,
      {
        hint: 'Add a projection for "all"',
        data: { name: node.name, hash: node.hash },
      },
    );
  }

  /**
   * The path of a package relative to the root of the store.
   *
   * @throws UsageError `projection`.
   */
  pathOf(node: SpecNode, graph: NodeGraph): string {
    return expandPath(this.templateFor(node, graph), node, graph, this.#rules);
  }
}

function limitHash(template: string, length: number | undefined): string {
  if (length === undefined) return template;
  if (template.includes('{hash}')) return template.replaceAll('{hash}', `{hash:${length}}`);
  const reason = template.includes('{hash')
    ? 'its hash length conflicts with install_hash_length'
    : 'it has no {hash}, but install_hash_length is set';
  throw refused(template, reason);
}

function refused(template: string, reason: string): UsageError {
  return new UsageError('projection', `Cannot expand "${template}": ${reason}`, {
    hint: 'Check "config:install_tree:projections" or --projection',
    data: { template, reason },
  });
}
