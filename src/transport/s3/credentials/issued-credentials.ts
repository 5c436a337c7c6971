// Credentials that somebody gives out for a while, and the services that are asked for them.
import { MirrorError, UsageError } from '../../../core/errors.js';
import type { HttpAnswer } from '../../http/answer.js';
import type { HttpClient } from '../../http/client.js';
import { statusError } from '../../http/errors.js';
import type { HttpRequest } from '../../http/request.js';
import { readBody } from '../../read-object.js';
import type { Credentials } from './credentials.js';

const ANSWER_LIMIT = 64 * 1024;

/** As their issuer names them. */
export interface Issued {
  readonly id: unknown;
  readonly secret: unknown;
  readonly token: unknown;
  readonly expiration: unknown;
}

/** Undefined for what is none. */
export function issuedCredentials({ id, secret, token, expiration }: Issued): Credentials | undefined {
  if (typeof id !== 'string' || typeof secret !== 'string') return undefined;
  const expires = typeof expiration === 'string' ? Date.parse(expiration) : Number.NaN;
  return {
    accessKeyId: id,
    secretAccessKey: secret,
    sessionToken: typeof token === 'string' ? token : undefined,
    expires: Number.isNaN(expires) ? undefined : expires,
  };
}

/** An object in JSON; an empty one for anything else. The text may hold secrets: nothing of it is told. */
export function parseIssued(text: string): Readonly<Record<string, unknown>> {
  try {
    return (JSON.parse(text) as Record<string, unknown> | null) ?? {};
  } catch {
    return {};
  }
}

export function nothingIssued(): MirrorError {
  return new MirrorError('mirror-unreachable', 'Cannot get credentials: the service sent something else');
}

/**
 * Asks a service. Redirects are not followed.
 * @throws what `refused` makes of an answer that is none; its text is empty where it cannot be read.
 */
export async function askService(
  client: HttpClient,
  request: HttpRequest,
  refused: (answer: HttpAnswer, text: string) => MirrorError = statusError,
): Promise<string> {
  const answer = await client.send({ ...request, redirects: new Set() });
  if (answer.status !== 200) throw refused(answer, await textOf(answer).catch(() => ''));
  return textOf(answer);
}

async function textOf(answer: HttpAnswer): Promise<string> {
  const { size, location } = answer;
  const bytes = await readBody({ body: answer.body(), size, location }, { limit: ANSWER_LIMIT });
  return Buffer.from(bytes).toString('utf8');
}

/** @throws UsageError `config` */
export function serviceUrl(text: string): URL {
  if (URL.canParse(text)) return new URL(text);
  throw new UsageError('config', 'Cannot get credentials: the URL of their service cannot be parsed');
}
