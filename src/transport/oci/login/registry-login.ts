// Logs in to a registry as it asks for it: by Basic (RFC 7617), or by a token of the service that it names (RFC 6750). One token is used for
// all requests, with the rights that all of them asked for so far; many that end at once are renewed once. Nothing of it goes to another
// host: neither where a redirect leads, nor where an upload goes on.
import { MirrorError } from '../../../core/errors.js';
import type { Environment } from '../../../host/environment.js';
import type { HttpClientOptions } from '../../http/client.js';
import type { Authorizer, Challenge, Hop, HttpHeaders } from '../../http/request.js';
import type { StoreConnection } from '../../store-connection.js';
import type { RepositoryPlace } from '../repository-place.js';
import { type LoginChallenge, parseChallenges } from './challenges.js';
import { findCredentials } from './find-credentials.js';
import type { RegistryCredentials } from './registry-credentials.js';
import { TokenService } from './token-service.js';

export interface RegistryLoginOptions {
  readonly place: RepositoryPlace;
  readonly connection: StoreConnection | undefined;
  readonly environment: Environment;
  readonly http: HttpClientOptions;
}

export interface RegistryLogin extends Authorizer {
  /** Whether there are no credentials. Never fails. */
  isAnonymous(): Promise<boolean>;
  close(): Promise<void>;
}

/** Logs in with the first credentials there are, once the registry asks for it. */
export function registryLogin(options: RegistryLoginOptions): RegistryLogin {
  return new ChallengedLogin(options);
}

/** A token is renewed this long before it ends, in milliseconds, or a tenth of its life before. */
const MARGIN = 10_000;

/** Where tokens are given out, and for which registry. */
interface TokenSource {
  readonly realm: URL;
  readonly service: string | undefined;
}

interface HeldToken extends TokenSource {
  readonly value: string;
  /** That were asked for, each action on its own: it may have fewer. */
  readonly scopes: ReadonlySet<string>;
  /** When to renew it, in milliseconds since 1970. */
  readonly renewal: number;
}

class ChallengedLogin implements RegistryLogin {
  readonly #options: RegistryLoginOptions;
  readonly #tokens: TokenService;
  #credentials: Promise<RegistryCredentials | undefined> | undefined;
  /** What logs in without a service of tokens, once the registry asked for it. */
  #direct: HttpHeaders | undefined;
  #held: HeldToken | undefined;
  /** Tokens are asked for one after another, so that each request sees what the ones before it got. */
  #asking: Promise<unknown> | undefined;
  /** What each request was sent with. */
  readonly #sentWith = new WeakMap<Hop, HeldToken | HttpHeaders>();

  constructor(options: RegistryLoginOptions) {
    this.#options = options;
    this.#tokens = new TokenService(options.http);
  }

  async isAnonymous(): Promise<boolean> {
    return (await this.#find().catch(() => undefined)) === undefined;
  }

  close(): Promise<void> {
    return this.#tokens.close();
  }

  async authorize(hop: Hop): Promise<HttpHeaders | undefined> {
    if (hop.url.origin !== this.#options.place.origin) return undefined;
    const direct = this.#direct;
    if (direct !== undefined) {
      this.#sentWith.set(hop, direct);
      return direct;
    }
    const held = this.#held;
    if (held === undefined) return undefined;
    const token = Date.now() < held.renewal ? held : await this.#renew(held, held.scopes, held);
    this.#sentWith.set(hop, token);
    return bearer(token.value);
  }

  async answerChallenge(hop: Hop, challenge: Challenge): Promise<HttpHeaders | undefined> {
    const { place } = this.#options;
    if (hop.url.origin !== place.origin) return undefined;
    const challenges = parseChallenges(challenge.headerValues('www-authenticate'));
    const credentials = await this.#find();
    const used = this.#sentWith.get(hop);
    const wanted = challenges.find(({ scheme }) => scheme === 'bearer');
    if (wanted !== undefined && credentials?.kind !== 'registry-token') {
      const from = { realm: this.#realmOf(wanted), service: wanted.parameters.get('service') };
      const scopes = new Set(scopesOf(hop, wanted, place));
      return bearer((await this.#renew(used, scopes, from)).value);
    }
    const direct = directLogin(challenges, credentials);
    // What was sent is wrong, unless it was sent before the registry asked.
    if (direct === undefined || (used !== undefined && used === this.#direct)) return undefined;
    this.#direct = direct;
    return direct;
  }

  /** Asked for once: a program that keeps logins may open a window. */
  #find(): Promise<RegistryCredentials | undefined> {
    this.#credentials ??= findCredentials(this.#options);
    return this.#credentials;
  }

  /** A token in place of one that has ended or lacks rights: perhaps another request has got it meanwhile. */
  async #renew(used: unknown, scopes: ReadonlySet<string>, from: TokenSource): Promise<HeldToken> {
    while (this.#asking !== undefined) await this.#asking.catch(() => {}); // it tells whoever asked
    const held = this.#held;
    const isNew = held !== undefined && held !== used && Date.now() < held.renewal;
    if (isNew && [...scopes].every((scope) => held.scopes.has(scope))) return held;
    const asking = this.#ask(new Set([...(held?.scopes ?? []), ...scopes]), from);
    this.#asking = asking;
    try {
      this.#held = await asking;
      return this.#held;
    } finally {
      this.#asking = undefined;
    }
  }

  async #ask(scopes: ReadonlySet<string>, from: TokenSource): Promise<HeldToken> {
    const credentials = await this.#find();
    const location = this.#options.place.url;
    const { value, expires } = await this.#tokens.ask({
      ...from,
      scopes: grouped(scopes),
      credentials,
      location,
    });
    const life = expires - Date.now();
    return { ...from, value, scopes, renewal: expires - Math.min(MARGIN, life / 10) };
  }

  /**
   * Where tokens are given out.
   * @throws MirrorError `mirror-login-failed` for a place that passwords must not go to
   */
  #realmOf({ parameters }: LoginChallenge): URL {
    const realm = parameters.get('realm') ?? '';
    const { origin, url } = this.#options.place;
    if (!URL.canParse(realm, origin)) throw badRealm(url, 'it names no service of tokens');
    const found = new URL(realm, origin);
    found.username = '';
    found.password = '';
    found.hash = '';
    const isSafe = found.protocol === 'https:' || (found.protocol === 'http:' && isLoopback(found.hostname));
    if (!isSafe) throw badRealm(url, `its service of tokens, "${found.origin}", is not reached over https`);
    return found;
  }
}

/** `repository:name:pull,push`, each action on its own. */
function scopesOf(hop: Hop, { parameters }: LoginChallenge, place: RepositoryPlace): readonly string[] {
  const asked = parameters.get('scope')?.split(' ') ?? [];
  const from = hop.url.searchParams.get('from');
  const needed = [
    `repository:${place.name}:${actionsOf(hop)}`,
    ...(from === null ? [] : [`repository:${from}:pull`]),
  ];
  const scopes = [...asked, ...needed].filter((scope) => scope !== '');
  return scopes.flatMap((scope) => {
    const [, resource = '', actions = ''] = /^(.*):([^:]*)$/.exec(scope) ?? [];
    return actions.split(',').map((action) => `${resource}:${action}`);
  });
}

/** All actions on a thing in one scope: services need not add up what is said of it twice. */
function grouped(scopes: ReadonlySet<string>): readonly string[] {
  const actions = new Map<string, string[]>();
  for (const scope of scopes) {
    const [, resource = '', action = ''] = /^(.*):([^:]*)$/.exec(scope) ?? [];
    actions.set(resource, [...(actions.get(resource) ?? []), action]);
  }
  return [...actions].map(([resource, found]) => `${resource}:${found.join(',')}`);
}

/** The login that goes to the registry itself. */
function directLogin(
  challenges: readonly LoginChallenge[],
  credentials: RegistryCredentials | undefined,
): HttpHeaders | undefined {
  const accepts = (name: string) => challenges.some(({ scheme }) => scheme === name);
  if (credentials?.kind === 'registry-token' && accepts('bearer')) return bearer(credentials.token);
  if (credentials?.kind === 'pair' && accepts('basic')) return basic(credentials);
  return undefined;
}

function actionsOf({ method }: Hop): string {
  if (method === 'GET' || method === 'HEAD') return 'pull';
  return method === 'DELETE' ? 'pull,delete' : 'pull,push';
}

function bearer(token: string): HttpHeaders {
  return { authorization: `Bearer ${token}` };
}

function basic({ user, password }: { user: string; password: string }): HttpHeaders {
  return { authorization: `Basic ${Buffer.from(`${user}:${password}`, 'utf8').toString('base64')}` };
}

function isLoopback(host: string): boolean {
  return (
    host === 'localhost' ||
    host.endsWith('.localhost') ||
    host === '[::1]' ||
    /^127(\.\d{1,3}){3}$/.test(host)
  );
}

function badRealm(location: string, problem: string): MirrorError {
  return new MirrorError('mirror-login-failed', `Cannot log in to "${location}": ${problem}`, {
    hint: 'Passwords are sent over https only: check the configuration of the registry',
    data: { location },
  });
}
