// What opening an object asks a web server, and the object that its answer holds.
import type { OpenedObject, OpenOptions } from '../object-store.js';
import type { HttpAnswer } from './answer.js';
import { absentError, changedError, statusError } from './errors.js';
import { isRangeStatus, openPart, rangeHeader } from './range.js';
import type { HttpHeaders } from './request.js';

export function openHeaders({ range, unlessTag, ifTag }: OpenOptions): HttpHeaders {
  return {
    ...(range !== undefined && { range: rangeHeader(range) }),
    ...(unlessTag !== undefined && { 'if-none-match': unlessTag }),
    ...(ifTag !== undefined && { 'if-match': ifTag }),
  };
}

/**
 * The object of an answer, which is still to be discarded when this throws.
 * @throws MirrorError `mirror-not-found`, `mirror-changed`, `mirror-range`, `mirror-http-status`
 */
export function openedObject(answer: HttpAnswer, { range, ifTag }: OpenOptions): OpenedObject {
  const { status, size, tag, location } = answer;
  if (isAbsent(status)) throw absentError(answer);
  if (ifTag !== undefined && status === 412) throw changedError(answer);
  const isPart = range !== undefined && isRangeStatus(status);
  if (!isPart && !isSuccess(status)) throw statusError(answer);
  // Some servers do not know the condition. What has no tag now is another object, too.
  const isUntagged = status === 416 && tag === undefined;
  if (ifTag !== undefined && tag !== ifTag && !isUntagged) throw changedError(answer);
  if (range !== undefined) return { ...openPart(answer, range), tag, location };
  return { body: answer.body(), size, tag, location };
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
