// The logins of the fake registry: Basic, or tokens of a service that lies on the same port.
import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FakeRequest } from './fake-registry.js';

export interface FakeLogin {
  readonly kind: 'basic' | 'bearer';
  /** What each user may do: `pull`, `push`, `delete`. */
  readonly users: Readonly<Record<string, { readonly password: string; readonly rights: readonly string[] }>>;
  /** What somebody without a login may do. */
  readonly anonymous?: readonly string[];
  /** How many requests a token is good for; without end unless given. */
  readonly uses?: number;
  /** Tokens that are exchanged for others, and whose they are. */
  readonly identities?: Readonly<Record<string, string>>;
  /** Tokens that the registry itself takes, and their rights in every repository. */
  readonly tokens?: Readonly<Record<string, readonly string[]>>;
  /** Whether a request for more rights than the user has gets no token at all, in place of one with fewer. */
  readonly refusesWhole?: boolean;
  /** In place of the right one. */
  readonly realm?: string;
}

export interface RegistryGuard {
  /** How often a token was asked for. */
  readonly asked: string[];
  /** The challenge for a request without the rights; undefined for one that has them. */
  challenge(request: FakeRequest): string | undefined;
  /** Ends all tokens that were given out. */
  endTokens(): void;
  /** Answers requests for tokens; says whether it was one. */
  serve(url: URL, incoming: IncomingMessage, response: ServerResponse, body: Buffer): boolean;
}

interface IssuedToken {
  /** `repository:name:action`, or only `action` where it holds everywhere. */
  readonly scopes: readonly string[];
  left: number;
}

export function loginFor(login: FakeLogin, origin: () => string): RegistryGuard {
  return login.kind === 'basic' ? new BasicGuard(login) : new TokenGuard(login, origin);
}

class BasicGuard implements RegistryGuard {
  readonly asked: string[] = [];
  readonly #login: FakeLogin;

  constructor(login: FakeLogin) {
    this.#login = login;
  }

  challenge({ method, headers }: FakeRequest): string | undefined {
    const rights = rightsOf(this.#login, headers.authorization);
    return rights?.includes(actionOf(method)) ? undefined : 'BASIC Realm="fake, or not"';
  }

  endTokens(): void {}

  serve(): boolean {
    return false;
  }
}

class TokenGuard implements RegistryGuard {
  readonly asked: string[] = [];
  readonly #login: FakeLogin;
  readonly #origin: () => string;
  readonly #tokens = new Map<string, IssuedToken>();

  constructor(login: FakeLogin, origin: () => string) {
    this.#login = login;
    this.#origin = origin;
    this.endTokens();
  }

  challenge({ method, path, query, headers }: FakeRequest): string | undefined {
    const [, name = ''] = /^(.+)\/(?:blobs|manifests|tags|referrers)\//.exec(path) ?? [];
    const wanted = [`repository:${name}:${actionOf(method)}`];
    const from = query.get('from');
    if (from !== null) wanted.push(`repository:${from}:pull`);
    const token = this.#tokens.get(/^Bearer (.*)$/.exec(headers.authorization ?? '')?.[1] ?? '');
    const has = (scope: string) =>
      token?.scopes.some((each) => each === scope || scope.endsWith(`:${each}`)) ?? false;
    if (token !== undefined && token.left > 0 && wanted.every(has)) {
      token.left--;
      return undefined;
    }
    const realm = this.#login.realm ?? `${this.#origin()}/token`;
    const asked = actionOf(method) === 'push' ? 'pull,push' : actionOf(method);
    return `Other x=y, bearer Realm="${realm}",SERVICE="fake",scope="repository:${name}:${asked}"`;
  }

  endTokens(): void {
    this.#tokens.clear();
    for (const [token, rights] of Object.entries(this.#login.tokens ?? {}))
      this.#tokens.set(token, { scopes: rights, left: Number.POSITIVE_INFINITY });
  }

  serve(url: URL, incoming: IncomingMessage, response: ServerResponse, body: Buffer): boolean {
    if (url.pathname !== '/token') return false;
    const form = incoming.method === 'POST' ? new URLSearchParams(body.toString('utf8')) : url.searchParams;
    const scopes = form.getAll('scope').flatMap((scope) => scope.split(' '));
    this.asked.push(scopes.join(' '));
    const rights = this.#rightsOf(incoming, form);
    if (rights === undefined || form.get('service') !== 'fake') {
      response.writeHead(401).end('{"details":"wrong"}');
      return true;
    }
    const wanted = scopes.flatMap((scope) => {
      const [, resource = '', actions = ''] = /^(.*):([^:]*)$/.exec(scope) ?? [];
      return actions.split(',').map((action) => ({ resource, action }));
    });
    const granted = wanted.filter(({ action }) => rights.includes(action));
    if (this.#login.refusesWhole && granted.length < wanted.length) {
      response.writeHead(403).end('{"details":"more than you may"}');
      return true;
    }
    const token = randomBytes(16).toString('hex');
    this.#tokens.set(token, {
      scopes: granted.map(({ resource, action }) => `${resource}:${action}`),
      left: this.#login.uses ?? Number.POSITIVE_INFINITY,
    });
    const answer = incoming.method === 'POST' ? { access_token: token } : { token, expires_in: 300 };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
    return true;
  }

  #rightsOf({ method, headers }: IncomingMessage, form: URLSearchParams): readonly string[] | undefined {
    const { identities = {}, users } = this.#login;
    if (method !== 'POST') return rightsOf(this.#login, headers.authorization);
    const user = identities[form.get('refresh_token') ?? ''];
    return form.get('grant_type') === 'refresh_token' ? users[user ?? '']?.rights : undefined;
  }
}

function rightsOf({ users, anonymous }: FakeLogin, authorization = ''): readonly string[] | undefined {
  if (authorization === '') return anonymous;
  const [name = '', password] = Buffer.from(authorization.replace(/^Basic /, ''), 'base64')
    .toString('utf8')
    .split(':');
  const user = users[name];
  return user !== undefined && user.password === password ? user.rights : undefined;
}

function actionOf(method: string): string {
  if (method === 'GET' || method === 'HEAD') return 'pull';
  return method === 'DELETE' ? 'delete' : 'push';
}
