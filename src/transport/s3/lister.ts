// Lists the objects of a bucket page by page (ListObjectsV2).
import { MirrorError } from '../../core/errors.js';
import { isObjectPath } from '../object-path.js';
import type { ListedObject, ListOptions, ObjectLister } from '../object-store.js';
import { readBody } from '../read-object.js';
import { elements, elementText } from './answer/xml.js';
import type { S3Client, S3Request } from './client.js';

/** A page has a thousand keys of at most a kilobyte, which may be encoded. */
const PAGE_LIMIT = 16 << 20;

interface ListQuery {
  /** Of the keys. */
  readonly prefix: string;
  readonly delimiter?: string | undefined;
  readonly token?: string | undefined;
  /** Keys on a page. */
  readonly limit?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export function listRequest({ prefix, delimiter, token, limit, signal }: ListQuery): S3Request {
  const query = {
    'list-type': '2',
    'encoding-type': 'url',
    prefix,
    ...(delimiter !== undefined && { delimiter }),
    ...(token !== undefined && { 'continuation-token': token }),
    ...(limit !== undefined && { 'max-keys': String(limit) }),
  };
  return { method: 'GET', query, signal };
}

export class S3Lister implements ObjectLister {
  readonly #client: S3Client;
  readonly #prefix: string;

  constructor(client: S3Client, prefix: string) {
    this.#client = client;
    this.#prefix = prefix;
  }

  async *list(folder: string, options: ListOptions = {}): AsyncGenerator<ListedObject> {
    const { isRecursive = false, withFolders = false, signal } = options;
    const prefix = this.#prefix + (folder === '' ? '' : `${folder.replace(/\/$/, '')}/`);
    const delimiter = isRecursive ? undefined : '/';
    for (let token: string | undefined; ; ) {
      const page = await this.#page({ prefix, delimiter, token, signal });
      const listed = withFolders ? [...page.objects, ...page.folders] : page.objects;
      // A page has objects and folders apart; together they follow the page before.
      for (const each of listed.sort((a, b) => (a.path < b.path ? -1 : 1))) {
        signal?.throwIfAborted();
        yield each;
      }
      if (page.next === undefined) return;
      if (page.next === token) throw this.#invalid();
      token = page.next;
    }
  }

  async #page(query: ListQuery): Promise<Page> {
    const answer = await this.#client.demand(listRequest(query), 'list');
    const { size, location } = answer;
    const limits = { limit: PAGE_LIMIT, signal: query.signal };
    const body = answer.guard(answer.body());
    const xml = Buffer.from(await readBody({ body, size, location }, limits)).toString('utf8');
    if (!/<ListBucketResult[\s>]/.test(xml)) throw this.#invalid();
    return parsePage(xml, this.#prefix);
  }

  #invalid(): MirrorError {
    return new MirrorError(
      'mirror-protocol',
      'Cannot list the objects of a bucket: the server sent something else',
      {
        hint: 'Check the endpoint of the mirror',
      },
    );
  }
}

interface Page {
  readonly objects: ListedObject[];
  readonly folders: readonly ListedObject[];
  readonly next: string | undefined;
}

function parsePage(xml: string, prefix: string): Page {
  const isEncoded = elementText(xml, 'EncodingType') === 'url';
  const pathOf = (key: string | undefined): string => {
    const decoded = isEncoded ? decodeKey(key ?? '') : (key ?? '');
    return decoded.startsWith(prefix) ? decoded.slice(prefix.length) : '';
  };
  const objects = elements(xml, 'Contents').map((each) => ({
    path: pathOf(elementText(each, 'Key')),
    size: numberOf(elementText(each, 'Size')),
    modified: numberOf(Date.parse(elementText(each, 'LastModified') ?? '')),
  }));
  const folders = elements(xml, 'CommonPrefixes').map((each) => ({
    path: pathOf(elementText(each, 'Prefix')),
    size: undefined,
    modified: undefined,
  }));
  const isTruncated = elementText(xml, 'IsTruncated') === 'true';
  return {
    // Tools make empty objects for folders; other names that no path has cannot be opened either.
    objects: objects.filter(({ path }) => isObjectPath(path)),
    folders: folders.filter(({ path }) => isObjectPath(path.replace(/\/$/, ''))),
    next: isTruncated ? elementText(xml, 'NextContinuationToken') : undefined,
  };
}

export function decodeKey(key: string): string {
  try {
    return decodeURIComponent(key.replaceAll('+', '%20'));
  } catch {
    return '';
  }
}

function numberOf(value: string | number | undefined): number | undefined {
  const number = Number(value ?? Number.NaN);
  return Number.isFinite(number) ? number : undefined;
}
