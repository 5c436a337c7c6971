// A spec node as a store's database holds it.

import { type WritableFormat, writeNode } from '../../spec/json/write-node.js';
import type { JsonObject, JsonValue, SpecNode } from '../../spec/spec.js';

/** Writes a node in the given format. The database of Spack 1.x does not record which edges are direct. */
export function databaseNode(node: SpecNode, format: WritableFormat): JsonObject {
  const raw = writeNode(node, format);
  const { dependencies } = raw;
  if (format !== 5 || !Array.isArray(dependencies)) return raw;
  return { ...raw, dependencies: dependencies.map(withoutDirect) };
}

function withoutDirect(edge: JsonValue): JsonValue {
  if (!isObject(edge) || !isObject(edge.parameters)) return edge;
  const { direct, ...parameters } = edge.parameters;
  return direct === undefined ? edge : { ...edge, parameters };
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
