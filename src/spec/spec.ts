// A concrete spec: a directed graph of nodes, as described by Spack's specfile versions 1 to 5.

declare const dagHashBrand: unique symbol;
/** 32 characters of lower-case base32 that identify a concrete package. */
export type DagHash = string & { readonly [dagHashBrand]: true };

export type DependencyType = 'build' | 'link' | 'run' | 'test';

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: JsonValue;
}

export interface DependencyEdge {
  readonly name: string;
  readonly hash: DagHash;
  readonly types: readonly DependencyType[];
  readonly virtuals: readonly string[];
  readonly direct: boolean;
}

export interface Architecture {
  readonly platform: string;
  readonly os: string;
  readonly target: string;
  /** The microarchitectures that the target descends from, where the record says so: it may be one that nobody here knows. */
  readonly targetParents?: readonly string[];
}

export interface SpecNode {
  readonly name: string;
  readonly version: string;
  readonly hash: DagHash;
  readonly namespace: string | undefined;
  readonly arch: Architecture;
  /** The compiler recorded in the node itself; nodes of format 5 have it only in their annotations. */
  readonly compiler: { readonly name: string; readonly version: string } | undefined;
  /** Variants and flags, from `parameters` in the specfile. */
  readonly parameters: JsonObject;
  readonly external: { readonly path: string | undefined; readonly module: JsonValue } | undefined;
  readonly dependencies: readonly DependencyEdge[];
  /** For a spliced node: the hash that was built. */
  readonly buildSpec: DagHash | undefined;
  /** The specfile version (1–5) that `raw` is written in. */
  readonly formatVersion: number;
  /** The node as read, always with its `hash`. */
  readonly raw: JsonObject;
}

/** A root with every node reachable from it. */
export interface Spec {
  readonly root: SpecNode;
  readonly nodes: ReadonlyMap<DagHash, SpecNode>;
}

/** Looks up the nodes of a graph by hash: a spec, an index, a database. */
export interface NodeGraph {
  readonly nodes: { get(hash: DagHash): SpecNode | undefined };
}
