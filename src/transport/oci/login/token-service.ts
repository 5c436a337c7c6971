// Asks a service for a token that a registry takes ("Token Authentication Specification" and "OAuth2" of the distribution project).
import { MirrorError } from '../../../core/errors.js';
import type { HttpAnswer } from '../../http/answer.js';
import { HttpClient, type HttpClientOptions } from '../../http/client.js';
import { redactUrl } from '../../http/location.js';
import { readBody } from '../../read-object.js';
import type { RegistryCredentials } from './registry-credentials.js';

const LARGEST_ANSWER = 1 << 20;
/** Seconds that a token lasts where nobody says how long. */
const DEFAULT_LIFE = 60;

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
    const answer = await this.#send(request);
    if (answer.status !== 200) {
      answer.discard();
      throw refused(request, answer.status);
    }
    const { size, encoding, location } = answer;
    const bytes = await readBody(
      { body: answer.body(), size, encoding, location },
      { limit: LARGEST_ANSWER },
    );
    const token = tokenIn(bytes, asked);
    if (token === undefined) throw failed(request, 'the service of tokens sent something else');
    return token;
  }

  close(): Promise<void> {
    return this.#client.close();
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

function failed(
  { location, realm, scopes }: TokenRequest,
  problem: string,
  hint?: string,
  retryable = false,
): MirrorError {
  const asked = redactUrl(realm);
  return new MirrorError('mirror-login-failed', `Cannot log in to "${location}" at "${asked}": ${problem}`, {
    ...(hint !== undefined && { hint }),
    retryable,
    data: { location, realm: asked, scopes },
  });
}
