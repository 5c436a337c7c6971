// Converts a node to another specfile version, as a store's database requires (FORMATS.md §2; Spack `Spec.to_node_dict`).

import type { DependencyEdge, JsonObject, JsonValue, SpecNode } from '../spec.js';

/** Database versions 5, 6, 7 and 8 hold nodes of these formats. */
export type WritableFormat = 1 | 3 | 4 | 5;

/**
 * Writes a node in another format. A node that already has the requested format is returned as read.
 *
 * @param node - a node of any format, with its edges given as dag hashes.
 * @param version - the specfile version to write.
 */
export function writeNode(node: SpecNode, version: WritableFormat): JsonObject {
  if (node.formatVersion === version) return node.raw;
  if (version === 1) return { [node.name]: writeBody(node, version) };
  return { name: node.name, ...writeBody(node, version) };
}

function writeBody(node: SpecNode, version: WritableFormat): JsonObject {
  const raw = bodyOf(node);
  return {
    ...pick(raw, ['versions' in raw ? 'versions' : 'version', 'arch']),
    ...(version < 5 && node.compiler !== undefined ? { compiler: writeCompiler(node.compiler) } : {}),
    ...pick(raw, ['namespace', 'parameters']),
    ...(node.external === undefined ? {} : { external: writeExternal(raw) }),
    ...pick(raw, ['patches', 'package_hash']),
    ...writeDependencies(node, version),
    ...writeBuildSpec(node, raw),
    ...(version === 5 ? { annotations: writeAnnotations(node) } : {}),
    hash: node.hash,
  };
}

/** The content of a node: version 1 wraps it in an object with the name as its key. */
function bodyOf(node: SpecNode): JsonObject {
  if (node.formatVersion !== 1) return node.raw;
  const [body] = Object.values(node.raw);
  return asObject(body);
}

function asObject(value: JsonValue | undefined): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
}

function pick(raw: JsonObject, keys: readonly string[]): JsonObject {
  const found = keys.filter((key) => Object.hasOwn(raw, key) && raw[key] !== null);
  return Object.fromEntries(found.map((key) => [key, raw[key] ?? null]));
}

function writeCompiler(compiler: NonNullable<SpecNode['compiler']>): JsonObject {
  return { name: compiler.name, version: compiler.version };
}

function writeExternal(raw: JsonObject): JsonObject {
  const external = asObject(raw.external);
  return {
    path: external.path ?? null,
    module: external.module === false ? null : (external.module ?? null),
    extra_attributes: external.extra_attributes ?? {},
  };
}

function writeDependencies(node: SpecNode, version: WritableFormat): JsonObject {
  if (node.dependencies.length === 0) return {};
  if (version === 1) {
    return {
      dependencies: Object.fromEntries(node.dependencies.map((edge) => [edge.name, writeOldEdge(edge)])),
    };
  }
  const write =
    version === 3 ? (edge: DependencyEdge) => ({ name: edge.name, ...writeOldEdge(edge) }) : writeEdge;
  return { dependencies: sortByName(node.dependencies).map((edge) => write(edge, version)) };
}

/** Version 1 kept its dependencies in an object without a defined order; lists are sorted by name. */
function sortByName(edges: readonly DependencyEdge[]): readonly DependencyEdge[] {
  return [...edges].sort((a, b) => (a.name < b.name ? -1 : Number(a.name > b.name)));
}

function writeOldEdge(edge: DependencyEdge): JsonObject {
  return { hash: edge.hash, type: edge.types };
}

function writeEdge(edge: DependencyEdge, version: WritableFormat): JsonObject {
  const direct = version === 5 && edge.direct ? { direct: true } : {};
  return {
    name: edge.name,
    hash: edge.hash,
    parameters: { deptypes: edge.types, virtuals: edge.virtuals, ...direct },
  };
}

function writeBuildSpec(node: SpecNode, raw: JsonObject): JsonObject {
  if (node.buildSpec === undefined) return {};
  return { build_spec: { name: asObject(raw.build_spec).name ?? node.name, hash: node.buildSpec } };
}

/** The format that a node was made in, which one of format 5 says: older ones lose nothing when they are written in it again. */
export function originalFormat({ formatVersion, raw }: SpecNode): number {
  const original = formatVersion === 5 && asObject(raw.annotations).original_specfile_version;
  return typeof original === 'number' ? original : formatVersion;
}

function writeAnnotations(node: SpecNode): JsonObject {
  const original = { original_specfile_version: node.formatVersion };
  if (node.compiler === undefined) return original;
  return { ...original, compiler: `${node.compiler.name}@=${node.compiler.version}` };
}
