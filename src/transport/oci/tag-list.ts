// The tags of a repository, page by page (OCI distribution specification 1.1, "Listing Tags"; RFC 8288 for `Link`).
import { MetadataError } from '../../core/errors.js';
import type { WithSignal } from '../../core/with-signal.js';
import type { HttpAnswer } from '../http/answer.js';
import { readBody } from '../read-object.js';
import type { RegistryClient } from './registry-client.js';

/** Tags in a page, where the registry goes by that. */
const PAGE_SIZE = 1000;
/** Some registries ignore the size of pages: a page of a million tags. */
const LARGEST_PAGE = 256 << 20;
/** A registry may answer without end. */
const MOST_PAGES = 100_000;

/** Every tag once, in the order of the registry; none for a repository that is not there. */
export async function* listTags(client: RegistryClient, { signal }: WithSignal): AsyncIterable<string> {
  const seen = new Set<string>();
  const asked = new Set<string>();
  let target: string | URL | undefined = `tags/list?n=${PAGE_SIZE}`;
  while (target !== undefined) {
    const { href } = client.url(target);
    if (asked.has(href) || asked.size >= MOST_PAGES) throw endless(client);
    asked.add(href);
    const demand = { purpose: 'list', expected: [200, 404] } as const;
    const answer: HttpAnswer = await client.demand({ method: 'GET', target, signal }, demand);
    if (answer.status === 404) {
      answer.discard();
      return;
    }
    const next = nextPage(answer.header('link'));
    const tags = tagsIn(await readPage(answer, client, signal), client);
    for (const tag of tags) if (!seen.has(tag)) yield tag;
    for (const tag of tags) seen.add(tag);
    target =
      next === undefined || tags.length === 0 ? undefined : sameOrigin(client, client.follow(next, target));
  }
}

/** The reference of the link to the next page. */
export function nextPage(header: string | undefined): string | undefined {
  for (const [, target, parameters = ''] of (header ?? '').matchAll(/<([^>]*)>((?:\s*;\s*[^,;]+)*)/g))
    if (/;\s*rel\s*=\s*(?:next\b|"(?:[^"]*\s)?next(?:\s[^"]*)?")/i.test(parameters)) return target;
  return undefined;
}

/** A login must not follow a page to somebody else. */
function sameOrigin(client: RegistryClient, next: URL): URL {
  if (next.origin === client.place.origin) return next;
  throw notAList(client, 'its next page is on another server');
}

async function readPage(
  answer: HttpAnswer,
  client: RegistryClient,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  const { size, encoding } = answer;
  const object = { body: answer.body(), size, encoding, location: client.location() };
  return readBody(object, { limit: LARGEST_PAGE, signal });
}

function tagsIn(page: Uint8Array, client: RegistryClient): readonly string[] {
  const tags = parsed(page, client);
  if (tags === null || tags === undefined) return []; // an empty repository
  if (Array.isArray(tags) && tags.every((tag) => typeof tag === 'string')) return tags;
  throw notAList(client, '"tags" is not a list of texts');
}

function parsed(page: Uint8Array, client: RegistryClient): unknown {
  try {
    return (JSON.parse(Buffer.from(page).toString('utf8')) as { tags?: unknown }).tags;
  } catch {
    throw notAList(client, 'it is not JSON');
  }
}

function endless(client: RegistryClient): MetadataError {
  return notAList(client, 'its pages do not end');
}

function notAList(client: RegistryClient, problem: string): MetadataError {
  const location = client.location();
  return new MetadataError('metadata-invalid', `Cannot read the list of tags of "${location}": ${problem}`, {
    hint: 'Check that the URL of the mirror is that of a registry',
    data: { location },
  });
}
