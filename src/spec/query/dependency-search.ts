// What can be reached from a node, each found once and only when somebody asks.
import type { DagHash, DependencyEdge, DependencyType, NodeGraph, SpecNode } from '../spec.js';

/** A dependency that the graph knows, by one of the edges that lead to it. */
export interface Dependency {
  readonly edge: DependencyEdge;
  readonly node: SpecNode;
}

const LINK_RUN: readonly DependencyType[] = ['link', 'run'];

export class DependencySearch {
  readonly start: SpecNode;
  readonly #graph: NodeGraph | undefined;
  #below: readonly Dependency[] | undefined;
  #everything: readonly SpecNode[] | undefined;

  constructor(start: SpecNode, graph: NodeGraph | undefined) {
    this.start = start;
    this.#graph = graph;
  }

  direct(): readonly Dependency[] {
    return this.#edgesOf(this.start);
  }

  /** What counts as below a node since Spack 1.0: all link and run edges that they lead to, and its own build edges. */
  below(): readonly Dependency[] {
    this.#below ??= [
      ...this.#reach(LINK_RUN).flatMap((node) => this.#edgesOf(node, LINK_RUN)),
      ...this.#edgesOf(this.start, ['build']),
    ];
    return this.#below;
  }

  /** The node, and all that its edges of any type lead to. */
  everything(): readonly SpecNode[] {
    this.#everything ??= this.#reach();
    return this.#everything;
  }

  /** What counted as below a node before. */
  everythingBelow(): readonly SpecNode[] {
    return this.everything().slice(1);
  }

  #edgesOf(node: SpecNode, types?: readonly DependencyType[]): Dependency[] {
    return node.dependencies.flatMap((edge) => {
      if (types !== undefined && !edge.types.some((type) => types.includes(type))) return [];
      const child = this.#graph?.nodes.get(edge.hash);
      return child === undefined ? [] : [{ edge, node: child }];
    });
  }

  #reach(types?: readonly DependencyType[]): SpecNode[] {
    const found = new Map<DagHash, SpecNode>([[this.start.hash, this.start]]);
    // A map goes on with what is added while it is walked.
    for (const node of found.values())
      for (const { edge, node: child } of this.#edgesOf(node, types))
        if (!found.has(edge.hash)) found.set(edge.hash, child);
    return [...found.values()];
  }
}
