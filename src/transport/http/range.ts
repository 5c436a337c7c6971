// Parts of objects over HTTP (RFC 9110 §14): requested with `Range`, checked against `Content-Range`, and cut out of the whole object
// if a server does not support ranges.
import { MirrorError } from '../../core/errors.js';
import { beyondEnd, rangeWithin } from '../byte-range.js';
import type { ByteRange, OpenedObject, OpenOptions } from '../object-store.js';
import type { HttpAnswer } from './answer.js';

type Part = Pick<OpenedObject, 'body' | 'size' | 'total'>;

interface WantedPart extends Pick<OpenOptions, 'onArrival'> {
  readonly range: ByteRange;
}

export function rangeHeader({ start, end }: ByteRange): string {
  return `bytes=${start}-${end === undefined ? '' : end - 1}`;
}

/** Statuses that only a range request gets. */
export function isRangeStatus(status: number): boolean {
  return status === 206 || status === 416;
}

/**
 * The bytes of a range, from a successful answer or a 416.
 * @throws MirrorError `mirror-range` when the range begins beyond the object's end, or the server sent another part; then the
 * caller must discard the answer.
 */
export function openPart(answer: HttpAnswer, wanted: WantedPart): Part {
  if (answer.status === 206) return sentPart(answer, wanted);
  if (answer.status === 416) return emptyPart(answer, wanted.range);
  return cutPart(answer, wanted);
}

function sentPart(answer: HttpAnswer, { range: { start, end }, onArrival }: WantedPart): Part {
  const sent = parseContentRange(answer.header('content-range'));
  const last = Math.min(end ?? Number.POSITIVE_INFINITY, sent?.total ?? Number.POSITIVE_INFINITY);
  const isWanted =
    sent !== undefined && sent.start === start && (sent.end === last || last === Number.POSITIVE_INFINITY);
  if (!isWanted) throw otherPart(answer, { start, end });
  const size = sent.end - sent.start;
  return { body: answer.body({ size, onArrival }), size, total: sent.total };
}

/** A range that begins exactly at the object's end is empty, which HTTP treats as an error. */
function emptyPart(answer: HttpAnswer, { start }: ByteRange): Part {
  const { location } = answer;
  const total = /^bytes \*\/(\d{1,15})$/i.exec(answer.header('content-range') ?? '')?.[1];
  const size = total === undefined ? undefined : Number(total);
  if (size !== start) throw beyondEnd({ start, size, location });
  answer.abort(); // some servers announce the length of the whole object, and send less
  return { body: new Blob([]).stream(), size: 0, total: size };
}

function cutPart(answer: HttpAnswer, { range, onArrival }: WantedPart): Part {
  const { size, location } = answer;
  if (size === undefined) return { body: answer.body({ range, onArrival }), size };
  const { start, end } = rangeWithin(range, { size, location });
  // Read to the end, so that the connection can be reused.
  const wanted = end === size ? { start } : { start, end };
  return { body: answer.body({ range: wanted, onArrival }), size: end - start, total: size };
}

/** The size of the whole object that an answer, perhaps with a part of it, tells. */
export function wholeSize(answer: HttpAnswer): number | undefined {
  if (!isRangeStatus(answer.status)) return answer.size;
  const total = /\/(\d{1,15})$/.exec(answer.header('content-range') ?? '')?.[1];
  return total === undefined ? undefined : Number(total);
}

interface ContentRange {
  readonly start: number;
  readonly end: number;
  readonly total: number | undefined;
}

function parseContentRange(header: string | undefined): ContentRange | undefined {
  const match = /^bytes (\d{1,15})-(\d{1,15})\/(?:(\d{1,15})|\*)$/i.exec(header?.trim() ?? '');
  if (match === null) return undefined;
  const [first, last] = [Number(match[1]), Number(match[2])];
  const total = match[3] === undefined ? undefined : Number(match[3]);
  if (last < first || (total !== undefined && last >= total)) return undefined;
  return { start: first, end: last + 1, total };
}

function otherPart(answer: HttpAnswer, { start, end }: ByteRange): MirrorError {
  const { location } = answer;
  const sent = answer.header('content-range');
  return new MirrorError(
    'mirror-range',
    `Cannot read "${location}" from byte ${start}: the server sent another part`,
    { data: { location, start, end, contentRange: sent } },
  );
}
