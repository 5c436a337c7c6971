// The specfile as a blob of layout 3: nodes of format 5, compact, gzipped (FORMATS.md §1, §2). It is named by its digest, so its bytes
// must be the same on every Node: fflate's compression is, zlib's is not.
import { gzipSync } from 'fflate';
import { encodeUtf8 } from '../../core/bytes.js';
import { asciiJson } from '../../spec/json/ascii-json.js';
import { parseJsonDocument } from '../../spec/json/json-document.js';
import { parseSpecDictionary } from '../../spec/json/spec-json.js';
import { writeNode } from '../../spec/json/write-node.js';
import type { JsonObject, JsonValue, Spec } from '../../spec/spec.js';

/** The specfile version that Spack 1.x writes, and the layout version of its tars. */
export const SPEC_BLOB_VERSION = 5;
const LAYOUT_VERSION = 2;

/**
 * Makes the blob out of the `.spack/spec.json` of an installed package.
 * @param stored - the file's bytes.
 * @param source - how messages name it.
 * @throws MetadataError `metadata-syntax`, `metadata-compressed`, `metadata-invalid`, `specfile-version-unsupported`
 */
export function formatSpecBlob(stored: Uint8Array, source: string): Uint8Array {
  const spec = parseSpecDictionary(parseJsonDocument(stored, source), source);
  const document = {
    spec: { _meta: { version: SPEC_BLOB_VERSION }, nodes: specBlobNodes(spec) },
    buildcache_layout_version: LAYOUT_VERSION,
  };
  return gzipSync(encodeUtf8(asciiJson(document)), { level: 9, mtime: 0 });
}

/** The nodes of a spec as Spack 1.x pushes them. */
export function specBlobNodes({ nodes }: Spec): JsonObject[] {
  return [...nodes.values()].map((node) => withoutDirect(writeNode(node, SPEC_BLOB_VERSION)));
}

/**
 * Spack 1.x pushes what its database says, which does not keep whether an edge is direct. Without it the same package has the same blob,
 * whoever pushes it.
 */
function withoutDirect(node: JsonObject): JsonObject {
  const { dependencies } = node;
  if (!Array.isArray(dependencies)) return node;
  return { ...node, dependencies: dependencies.map(edgeWithoutDirect) };
}

function edgeWithoutDirect(edge: JsonValue): JsonValue {
  const { parameters } = edge as { readonly parameters?: JsonObject };
  if (parameters === undefined) return edge;
  const { direct: _, ...kept } = parameters;
  return { ...(edge as JsonObject), parameters: kept };
}
