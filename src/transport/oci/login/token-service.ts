// Asks a service for a token that a registry takes ("Token Authentication Specification" and "OAuth2" of the distribution project).
import { BuildcacheError, MirrorError } from '../../../core/errors.js';
import type { HttpAnswer } from '../../http/answer.js';
import { HttpClient, type HttpClientOptions } from '../../http/client.js';
import { readBody } from '../../read-object.js';
import type { RegistryCredentials } from './registry-credentials.js';

const LARGEST_ANSWER = 1 << 20;
/** Seconds that a token lasts where nobody says how long. */
const DEFAULT_LIFE = 60;
const ACTIONS = ['pull', 'push', 'delete'];

export interface TokenRequest {
  readonly realm: URL;
  readonly service: string | undefined;
  readonly scopes: readonly string[];
  readonly credentials: RegistryCredentials | undefined;
  /** Of the registry, for messages. */
  readonly location: string;
}

export interface RegistryToken {
  readonly value: string;
  /** When it ends, in milliseconds since 1970. */
  readonly expires: number;
}

export class TokenService {
  readonly #client: HttpClient;

  constructor(http: HttpClientOptions) {
    // The login of the registry is not one of the service.
    this.#client = new HttpClient({ ...http, authorizer: undefined });
  }

  /**
   * Asks for a token with the scopes; it may have fewer rights.
   * @throws MirrorError `mirror-login-failed` where the service gives none; as `HttpClient.send`
   */
  async ask(request: TokenRequest): Promise<RegistryToken> {
    const asked = Date.now();
    const { status, bytes } = await this.#read(request).catch((error: unknown) => {
      throw error instanceof BuildcacheError ? unread(request, error) : error;
    });
    if (status !== 200) throw refused(request, status);
    const token = tokenIn(bytes, asked);
    if (token === undefined) throw failed(request, 'the service of tokens sent something else');
    return token;
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  async #read(request: TokenRequest): Promise<{ readonly status: number; readonly bytes: Uint8Array }> {
    const answer = await this.#send(request);
    const { status, size, encoding, location } = answer;
    if (status !== 200) {
      answer.discard();
      return { status, bytes: new Uint8Array(0) };
    }
    const sent = { body: answer.body(), size, encoding, location };
    return { status, bytes: await readBody(sent, { limit: LARGEST_ANSWER }) };
  }

  #send(request: TokenRequest): Promise<HttpAnswer> {
    const { realm, service, scopes, credentials } = request;
    if (credentials?.kind === 'identity-token') {
      const form = new URLSearchParams({ grant_type: 'refresh_token', client_id: 'regraft' });
      if (service !== undefined) form.set('service', service);
      form.set('scope', scopes.join(' '));
      form.set('refresh_token', credentials.token);
      return this.#client.send({
        method: 'POST',
        url: realm,
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: Buffer.from(form.toString()),
        isRepeatable: true,
        redirects: NONE,
      });
    }
    const url = new URL(realm.href);
    if (service !== undefined) url.searchParams.set('service', service);
    for (const scope of scopes) url.searchParams.append('scope', scope);
    if (credentials?.kind !== 'pair') return this.#client.send({ method: 'GET', url, redirects: NONE });
    const { user, password } = credentials;
    url.searchParams.set('account', user);
    const authorization = `Basic ${Buffer.from(`${user}:${password}`, 'utf8').toString('base64')}`;
    return this.#client.send({ method: 'GET', url, headers: { authorization }, redirects: NONE });
  }
}

/** A login must not be led on. */
const NONE: ReadonlySet<number> = new Set();

function tokenIn(bytes: Uint8Array, asked: number): RegistryToken | undefined {
  try {
    const answer = JSON.parse(Buffer.from(bytes).toString('utf8')) as Record<string, unknown>;
    const value = [answer.token, answer.access_token].find((each) => typeof each === 'string' && each !== '');
    if (typeof value !== 'string' || !/^[\x21-\x7e]+$/.test(value)) return undefined;
    const life = Number(answer.expires_in);
    return { value, expires: asked + (life > 0 ? life : DEFAULT_LIFE) * 1000 };
  } catch {
    return undefined;
  }
}

function refused(request: TokenRequest, status: number): MirrorError {
  const { credentials } = request;
  return failed(
    request,
    `the service of tokens answered ${status}`,
    status === 401 || status === 403
      ? credentials === undefined
        ? 'No login was found: "docker login", "podman login", or access_pair of the mirror'
        : 'The user or the password is wrong, or may not do this'
      : undefined,
    status >= 500 || status === 429,
  );
}

/** No answer, or one that breaks off. The registry wrote the URL, and it knows the last token: only the host is told. */
function unread(request: TokenRequest, error: BuildcacheError): MirrorError {
  const { hint, retryable, cause, data } = error;
  const code = error instanceof MirrorError ? error.code : 'mirror-login-failed';
  const status = typeof data.status === 'number' ? ` with ${data.status}` : '';
  return new MirrorError(code, `${cannot(request)}: the service of tokens does not answer${status}`, {
    ...(hint !== undefined && { hint }),
    retryable,
    cause,
    data: { location: request.location, realm: request.realm.origin, reason: data.reason },
  });
}

function failed(request: TokenRequest, problem: string, hint?: string, retryable = false): MirrorError {
  const { location, realm, scopes } = request;
  const actions = ACTIONS.filter((action) =>
    scopes.some((scope) => new RegExp(`[:,]${action}\\b`).test(scope)),
  );
  return new MirrorError('mirror-login-failed', `${cannot(request)}: ${problem}`, {
    ...(hint !== undefined && { hint }),
    retryable,
    data: { location, realm: realm.origin, actions },
  });
}

function cannot({ location, realm }: TokenRequest): string {
  return `Cannot log in to "${location}" at "${realm.origin}"`;
}
