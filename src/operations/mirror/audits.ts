// Build caches that can be looked through, and their content.
import type { BuildCache } from '../../mirror/build-cache.js';
import type { CacheAudit, StoredContent } from '../../mirror/cache-audit.js';
import { cannotList } from '../keys/publish-keys.js';

/** The build caches at a place that can be looked through. */
export function auditsOf(cache: BuildCache): { readonly layer: BuildCache; readonly audit: CacheAudit }[] {
  const found = (cache.layers ?? [cache]).flatMap((layer) =>
    layer.audit === undefined ? [] : [{ layer, audit: layer.audit }],
  );
  if (found.length === 0) throw cannotList(cache);
  return found;
}

/** All content by its names. */
export async function contentsOf(
  audit: CacheAudit,
  signal: AbortSignal | undefined,
): Promise<Map<string, StoredContent>> {
  const contents = new Map<string, StoredContent>();
  for await (const content of audit.contents({ signal })) contents.set(content.id, content);
  return contents;
}
