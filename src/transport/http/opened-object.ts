// What opening an object asks a web server, and the object that its answer holds.
import type { OpenedObject, OpenOptions } from '../object-store.js';
import type { HttpAnswer } from './answer.js';
import { absentError, changedError, statusError } from './errors.js';
import { isRangeStatus, openPart, rangeHeader } from './range.js';
import type { HttpHeaders } from './request.js';

export function openHeaders({ range, unlessTag, ifTag, ifModified }: OpenOptions): HttpHeaders {
  return {
    ...(range !== undefined && { range: rangeHeader(range) }),
    ...(unlessTag !== undefined && { 'if-none-match': unlessTag }),
    // Not If-Range: servers of buckets ignore it, and send parts of other objects.
    ...(ifTag !== undefined && { 'if-match': ifTag }),
    ...(ifModified !== undefined && { 'if-unmodified-since': ifModified }),
  };
}

/**
 * The object of an answer, which is still to be discarded when this throws.
 * @throws MirrorError `mirror-not-found`, `mirror-changed`, `mirror-range`, `mirror-http-status`
 */
export function openedObject(answer: HttpAnswer, options: OpenOptions): OpenedObject {
  const { range, onArrival } = options;
  const { status, size, tag, modified, encoding, location } = answer;
  if (isAbsent(status)) throw absentError(answer);
  const isConditional = options.ifTag !== undefined || options.ifModified !== undefined;
  if (isConditional && status === 412) throw changedError(answer);
  const isPart = range !== undefined && isRangeStatus(status);
  if (!isPart && !isSuccess(status)) throw statusError(answer);
  if (isAnother(answer, options)) throw changedError(answer);
  const guard = (body: ReadableStream<Uint8Array>) => answer.guard(body);
  const facts = { tag, modified, encoding, location, guard };
  if (range !== undefined) return { ...openPart(answer, { range, onArrival }), ...facts };
  return { body: answer.body({ onArrival }), size, ...facts };
}

/** Some servers do not know the conditions. What has no tag now is another object, too; but what is empty has often none. */
function isAnother({ status, tag, modified }: HttpAnswer, { ifTag, ifModified }: OpenOptions): boolean {
  const isUntold = (value: string | undefined) => status === 416 && value === undefined;
  return (
    (ifTag !== undefined && tag !== ifTag && !isUntold(tag)) ||
    (ifModified !== undefined && modified !== ifModified && !isUntold(modified))
  );
}

export function isSuccess(status: number): boolean {
  return status === 200 || status === 203;
}

export function isAbsent(status: number): boolean {
  return status === 404 || status === 410;
}

/** What buckets on the web say in the headers of their answers. */
const OF_BUCKETS = [
  'x-amz-request-id',
  'x-amz-cf-id',
  'x-guploader-uploadid',
  'x-ms-request-id',
  'x-obs-request-id',
  'x-oss-request-id',
];

/** A bucket that may not be listed denies access to what is not there. */
export function isHidden(answer: HttpAnswer): boolean {
  return answer.status === 403 && OF_BUCKETS.some((name) => answer.header(name) !== undefined);
}
