// Uploads in parts that nobody has completed (ListMultipartUploads): a process that was killed left them, or they are still on their way.
import { MirrorError } from '../../core/errors.js';
import type { WithSignal } from '../../core/with-signal.js';
import { HttpAnswer } from '../http/answer.js';
import { isObjectPath } from '../object-path.js';
import type { UnfinishedObject } from '../object-store.js';
import { answerText } from './answer/answer-text.js';
import type { Refusal } from './answer/refusal.js';
import { elements, elementText } from './answer/xml.js';
import type { S3Client } from './client.js';
import { decodeKey } from './lister.js';

/** Of servers that keep no list of uploads, or do not show it to everybody who may write: nothing can be found. */
const HIDDEN: ReadonlySet<number> = new Set([403, 405, 501]);

export interface UnfinishedUploadsOptions extends WithSignal {
  readonly client: S3Client;
  /** What the keys of all paths begin with. */
  readonly prefix: string;
  readonly folder: string;
}

/** In the order of their names. Errors as `ObjectLister.list`. */
export async function* unfinishedUploads(
  options: UnfinishedUploadsOptions,
): AsyncGenerator<UnfinishedObject> {
  const { client, prefix, folder, signal } = options;
  for (let place: ListPlace = {}; ; ) {
    signal?.throwIfAborted();
    const query = { uploads: '', 'encoding-type': 'url', prefix: `${prefix}${folder}/`, ...place };
    const answer = await client.send({ method: 'GET', query, signal });
    if (!(answer instanceof HttpAnswer)) {
      if (HIDDEN.has(answer.status)) return;
      const other = withoutUploadId(place, answer);
      if (other === undefined) throw await client.error(answer, { purpose: 'list' });
      place = other;
      continue;
    }
    const xml = await answerText(answer);
    if (!/<ListMultipartUploadsResult[\s>]/.test(xml)) throw notAList();
    const isEncoded = elementText(xml, 'EncodingType') === 'url';
    for (const each of elements(xml, 'Upload')) {
      const upload = parseUpload(each, { ...options, isEncoded });
      if (upload !== undefined) yield upload;
    }
    if (elementText(xml, 'IsTruncated') !== 'true') return;
    const next = placeAfter(xml, isEncoded);
    if (next['key-marker'] === place['key-marker'] && next['upload-id-marker'] === place['upload-id-marker'])
      throw notAList();
    place = next;
  }
}

/** What a page follows. */
type ListPlace = Readonly<Partial<Record<'key-marker' | 'upload-id-marker', string>>>;

function placeAfter(xml: string, isEncoded: boolean): ListPlace {
  return {
    'key-marker': keyIn(xml, { name: 'NextKeyMarker', isEncoded }),
    'upload-id-marker': elementText(xml, 'NextUploadIdMarker') ?? '',
  };
}

/**
 * The place by its key alone, for servers that refuse the upload that they named themselves (versitygw); undefined where that is not it. Uploads
 * of the same key that did not fit the page are left out: the next list, when those before them are gone, has them.
 */
function withoutUploadId(place: ListPlace, { code }: Refusal): ListPlace | undefined {
  if (code !== 'InvalidArgument' || place['upload-id-marker'] === undefined) return undefined;
  return { 'key-marker': place['key-marker'] ?? '' };
}

interface UploadContext extends UnfinishedUploadsOptions {
  readonly isEncoded: boolean;
}

/** Undefined for a name that no path has. */
function parseUpload(
  xml: string,
  { client, prefix, isEncoded }: UploadContext,
): UnfinishedObject | undefined {
  const key = keyIn(xml, { name: 'Key', isEncoded });
  const uploadId = elementText(xml, 'UploadId');
  const path = key.slice(prefix.length);
  if (uploadId === undefined || !key.startsWith(prefix) || !isObjectPath(path)) return undefined;
  const begun = Date.parse(elementText(xml, 'Initiated') ?? '');
  return {
    path,
    begun: Number.isNaN(begun) ? undefined : begun,
    size: (how = {}) => sizeOfParts({ client, path, uploadId, ...how }),
    abort: (how = {}) => abortUpload({ client, path, uploadId, ...how }),
  };
}

interface Upload extends WithSignal {
  readonly client: S3Client;
  readonly path: string;
  readonly uploadId: string;
}

async function sizeOfParts({ client, path, uploadId, signal }: Upload): Promise<number> {
  let sum = 0;
  for (let after = ''; ; ) {
    const query = { uploadId, ...(after !== '' && { 'part-number-marker': after }) };
    const answer = await client.send({ method: 'GET', path, query, signal });
    if (!(answer instanceof HttpAnswer)) {
      if (isGone(answer)) return sum;
      throw await client.error(answer, { purpose: 'list', path });
    }
    const xml = await answerText(answer);
    for (const part of elements(xml, 'Part')) sum += Number(elementText(part, 'Size') ?? 0);
    const next = elementText(xml, 'NextPartNumberMarker') ?? '';
    if (elementText(xml, 'IsTruncated') !== 'true' || next === after) return sum;
    after = next;
  }
}

async function abortUpload({ client, path, uploadId, signal }: Upload): Promise<void> {
  const answer = await client.send({ method: 'DELETE', path, query: { uploadId }, signal });
  if (answer instanceof HttpAnswer) answer.discard();
  else if (!isGone(answer)) throw await client.error(answer, { purpose: 'remove', path });
}

function isGone({ code }: Refusal): boolean {
  return code === 'NoSuchUpload';
}

function keyIn(
  xml: string,
  { name, isEncoded }: { readonly name: string; readonly isEncoded: boolean },
): string {
  const key = elementText(xml, name) ?? '';
  return isEncoded ? decodeKey(key) : key;
}

function notAList(): MirrorError {
  return new MirrorError(
    'mirror-protocol',
    'Cannot list the unfinished uploads of a bucket: the server sent something else',
    { hint: 'Check the endpoint of the mirror' },
  );
}
