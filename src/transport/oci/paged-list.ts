// Lists that a registry sends in pages, each of which names the next one (RFC 8288; OCI distribution specification 1.1, "Listing Tags").
import { MetadataError } from '../../core/errors.js';
import type { WithSignal } from '../../core/with-signal.js';
import type { RegistryClient } from './registry-client.js';

export interface PagedList extends WithSignal {
  /** The first page. */
  readonly target: string;
  readonly accept?: string | undefined;
  /** For messages. */
  readonly reference?: string | undefined;
  /** Largest size of a page in bytes. */
  readonly limit: number;
  /** A registry may answer without end. */
  readonly mostPages: number;
  /** What a registry answers that has no such list. */
  readonly absent: readonly number[];
}

/**
 * The bodies of all pages, or undefined where there is no list.
 * @throws MetadataError `metadata-invalid` for pages that do not end, or that are elsewhere; as `RegistryClient.read`
 */
export async function* readPages(
  client: RegistryClient,
  { target: first, accept, reference, limit, mostPages, absent, signal }: PagedList,
): AsyncGenerator<Uint8Array | undefined> {
  const asked = new Set<string>();
  for (let target: string | URL | undefined = first; target !== undefined; ) {
    const { href } = client.url(target);
    if (asked.has(href) || asked.size >= mostPages)
      throw invalidList(client.location(reference), 'its pages do not end');
    asked.add(href);
    const { answer, bytes } = await client.read(
      { method: 'GET', target, headers: accept === undefined ? {} : { accept }, signal },
      // Only a list that has begun has pages.
      { purpose: 'list', reference, limit, expected: [200, ...(asked.size === 1 ? absent : [])] },
    );
    yield bytes;
    if (bytes === undefined) return;
    const next = nextPage(answer.headerValues('link').join(', '));
    const followed: URL | undefined = next === undefined ? undefined : client.follow(next, target);
    // A login must not follow a page to somebody else.
    if (followed !== undefined && followed.origin !== client.place.origin)
      throw invalidList(client.location(reference), 'its next page is on another server');
    target = followed;
  }
}

/** The reference of the link to the next page. */
function nextPage(header: string): string | undefined {
  for (const [, target, parameters = ''] of header.matchAll(/<([^>]*)>((?:\s*;\s*[^,;]+)*)/g))
    if (/;\s*rel\s*=\s*(?:next\b|"(?:[^"]*\s)?next(?:\s[^"]*)?")/i.test(parameters)) return target;
  return undefined;
}

/** The error of a list that is none. */
export function invalidList(location: string, problem: string): MetadataError {
  return new MetadataError('metadata-invalid', `Cannot list "${location}": ${problem}`, {
    hint: 'Check that the URL of the mirror is that of a registry',
    data: { location },
  });
}
