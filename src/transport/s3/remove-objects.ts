// Removes many objects with few requests (DeleteObjects).
import { createHash } from 'node:crypto';
import type { BuildcacheError } from '../../core/errors.js';
import type { WithSignal } from '../../core/with-signal.js';
import { HttpAnswer } from '../http/answer.js';
import { answerText } from './answer/answer-text.js';
import type { Refusal } from './answer/refusal.js';
import { elements, elementText, encodeText } from './answer/xml.js';
import type { S3Client } from './client.js';
import { sha256Hex } from './signer.js';

export interface RemoveObjectsOptions extends WithSignal {
  readonly client: S3Client;
  /** What the keys of the paths begin with. */
  readonly prefix: string;
  readonly paths: readonly string[];
  /** Removes one of them. */
  readonly removeOne: (path: string) => Promise<void>;
}

/** Keys in a request; more are refused. */
const BATCH = 1000;
/** Of servers that lack the request, or do not let it pass. */
const UNKNOWN: ReadonlySet<number> = new Set([405, 501]);
/** What may succeed when it is tried again. */
const PASSING: ReadonlySet<string | undefined> = new Set(['InternalError', 'SlowDown', 'ServiceUnavailable']);

/**
 * Removes objects, those that are not there too. All are tried before it fails.
 * @throws MirrorError as `ObjectWriter.remove`, of the first that could not be removed; how many others there are is told.
 */
export async function removeObjects(options: RemoveObjectsOptions): Promise<void> {
  const { paths, signal } = options;
  // XML 1.0 cannot hold control characters.
  const single = paths.filter((path) => /[\x01-\x1f\ufffe\uffff]/.test(path));
  const plain = paths.filter((path) => !single.includes(path));
  const failed: FailedRemoval[] = [];
  for (let at = 0; at < plain.length; at += BATCH) {
    signal?.throwIfAborted();
    const batch = plain.slice(at, at + BATCH);
    const answer = await removeBatch(options, batch);
    if ('status' in answer) {
      if (!UNKNOWN.has(answer.status)) throw await options.client.error(answer, { purpose: 'remove' });
      single.push(...plain.slice(at));
      break;
    }
    for (const each of answer) PASSING.has(each.refusal.code) ? single.push(each.path) : failed.push(each);
  }
  for (const path of single) {
    signal?.throwIfAborted();
    await options.removeOne(path);
  }
  if (failed.length > 0) throw await failure(options.client, failed);
}

interface FailedRemoval {
  readonly path: string;
  readonly refusal: Refusal;
}

/** Those that the server did not remove, or what it says of the whole request. */
async function removeBatch(
  { client, prefix, signal }: RemoveObjectsOptions,
  paths: readonly string[],
): Promise<readonly FailedRemoval[] | Refusal> {
  const objects = paths.map((path) => `<Object><Key>${encodeText(prefix + path)}</Key></Object>`);
  const body = Buffer.from(
    `<Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Quiet>true</Quiet>${objects.join('')}</Delete>`,
  );
  const answer = await client.send({
    method: 'POST',
    query: { delete: '' },
    // The request needs a checksum of its own, whatever is signed.
    headers: { 'content-md5': createHash('md5').update(body).digest('base64') },
    content: { body, sha256: sha256Hex(body) },
    signal,
  });
  if (!(answer instanceof HttpAnswer)) return answer;
  const requestId = answer.header('x-amz-request-id');
  const xml = await answerText(answer);
  if (!/<DeleteResult[\s/>]/.test(xml)) return client.refusalIn({ xml, requestId });
  const errors = elements(xml, 'Error').map(async (each) => ({
    path: (elementText(each, 'Key') ?? '').slice(prefix.length),
    refusal: await client.refusalIn({ xml: each, requestId }),
  }));
  const failed = await Promise.all(errors);
  return failed.filter(({ refusal }) => refusal.code !== 'NoSuchKey');
}

async function failure(client: S3Client, failed: readonly FailedRemoval[]): Promise<BuildcacheError> {
  const [first] = failed as [FailedRemoval];
  const error = await client.error(first.refusal, { purpose: 'remove', path: first.path });
  const others = failed.length - 1;
  const rest = others === 0 ? '' : `, and ${others} other ${others === 1 ? 'object' : 'objects'}`;
  const told = failed.map(({ path, refusal }) => ({ path, s3Code: refusal.code }));
  return error.with({ message: error.message + rest, data: { ...error.data, failed: told } });
}
