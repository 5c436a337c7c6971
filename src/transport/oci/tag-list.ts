// The tags of a repository (OCI distribution specification 1.1, "Listing Tags").
import type { WithSignal } from '../../core/with-signal.js';
import { isTag } from './digest.js';
import { invalidList, readPages } from './paged-list.js';
import type { RegistryClient } from './registry-client.js';

/** Tags in a page, where the registry goes by that. */
const PAGE_SIZE = 1000;
/** In bytes: some registries ignore the size of pages, and send a page of a million tags. */
const LARGEST_PAGE = 256 << 20;
/** A registry may answer without end: with tags that nobody has, or with pages that bring nothing. */
const MOST_PAGES = 100_000;
const MOST_TAGS = 4_000_000;
const MOST_BARREN_PAGES = 100;

/** Every tag once, in the order of the registry; none for a repository that is not there. */
export async function* listTags(client: RegistryClient, { signal }: WithSignal): AsyncIterable<string> {
  const seen = new Set<string>();
  let barren = 0;
  const list = {
    target: `tags/list?n=${PAGE_SIZE}`,
    limit: LARGEST_PAGE,
    mostPages: MOST_PAGES,
    absent: [404],
    signal,
  };
  for await (const page of readPages(client, list)) {
    if (page === undefined) return;
    const before = seen.size;
    for (const tag of tagsIn(page, client)) {
      if (seen.has(tag) || !isTag(tag)) continue;
      seen.add(tag);
      yield tag;
    }
    barren = seen.size === before ? barren + 1 : 0;
    if (barren > MOST_BARREN_PAGES || seen.size > MOST_TAGS)
      throw invalidList(client.location(), 'it does not end');
  }
}

function tagsIn(page: Uint8Array, client: RegistryClient): readonly string[] {
  const tags = parsed(page, client);
  if (tags === null || tags === undefined) return []; // an empty repository
  if (Array.isArray(tags) && tags.every((tag) => typeof tag === 'string')) return tags;
  throw invalidList(client.location(), '"tags" is not a list of texts');
}

function parsed(page: Uint8Array, client: RegistryClient): unknown {
  try {
    return (JSON.parse(Buffer.from(page).toString('utf8')) as { tags?: unknown }).tags;
  } catch {
    throw invalidList(client.location(), 'it is not JSON');
  }
}
