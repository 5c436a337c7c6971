// Logs in to a registry as it asks for it: by Basic (RFC 7617), or by a token of the service that it names (RFC 6750). One token is used for
// all requests, with the rights that all of them asked for so far; many that end at once are renewed once. Nothing of it goes to another
// host: neither where a redirect leads, nor where an upload goes on.
import { MirrorError } from '../../../core/errors.js';
import type { Environment } from '../../../host/environment.js';
import type { HttpClientOptions } from '../../http/client.js';
import { redactUrl } from '../../http/location.js';
import type { Authorizer, Challenge, Hop, HttpHeaders } from '../../http/request.js';
import type { StoreConnection } from '../../store-connection.js';
import type { RepositoryPlace } from '../repository-place.js';
import { type LoginChallenge, parseChallenges } from './challenges.js';
import { findCredentials } from './find-credentials.js';
import type { RegistryCredentials } from './registry-credentials.js';
import { type RegistryToken, TokenService } from './token-service.js';

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

interface HeldToken {
  readonly token: RegistryToken;
  readonly scopes: ReadonlySet<string>;
  readonly realm: URL;
  readonly service: string | undefined;
  /** When to renew it, in milliseconds since 1970. */
  readonly renewal: number;
}

class ChallengedLogin implements RegistryLogin {
  readonly #options: RegistryLoginOptions;
  readonly #tokens: TokenService;
  #credentials: Promise<RegistryCredentials | undefined> | undefined;
  #isBasic = false;
  #held: Promise<HeldToken> | undefined;
  /** What each request was sent with. */
  readonly #sentWith = new WeakMap<Hop, Promise<HeldToken>>();

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
    if (this.#isBasic) return basic(await this.#find());
    const held = this.#held;
    if (held === undefined) return undefined;
    const found = await held;
    const fresh = Date.now() < found.renewal ? held : this.#renew(held, found.scopes, found);
    this.#sentWith.set(hop, fresh);
    return bearer((await fresh).token.value);
  }

  async answerChallenge(hop: Hop, challenge: Challenge): Promise<HttpHeaders | undefined> {
    if (hop.url.origin !== this.#options.place.origin) return undefined;
    const challenges = parseChallenges(challenge.headerValues('www-authenticate'));
    const credentials = await this.#find();
    const wanted = challenges.find(({ scheme }) => scheme === 'bearer');
    if (wanted !== undefined) {
      if (credentials?.kind === 'registry-token') return bearer(credentials.token);
      const realm = this.#realmOf(wanted);
      const service = wanted.parameters.get('service');
      const used = this.#sentWith.get(hop);
      const scopes = [...(await this.#scopes()), ...scopesOf(hop, wanted, this.#options.place)];
      const fresh = this.#renew(used, new Set(scopes), { realm, service });
      return bearer((await fresh).token.value);
    }
    if (!challenges.some(({ scheme }) => scheme === 'basic') || credentials?.kind !== 'pair')
      return undefined;
    if (this.#isBasic) return undefined; // it was sent, and is wrong
    this.#isBasic = true;
    return basic(credentials);
  }

  /** Asked for once: a program that keeps logins may open a window. */
  #find(): Promise<RegistryCredentials | undefined> {
    this.#credentials ??= findCredentials(this.#options);
    return this.#credentials;
  }

  async #scopes(): Promise<readonly string[]> {
    const held = await this.#held?.catch(() => undefined);
    return [...(held?.scopes ?? [])];
  }

  /** A new token in place of one that has ended or lacks rights, unless somebody else has asked for it meanwhile. */
  #renew(
    used: Promise<HeldToken> | undefined,
    scopes: ReadonlySet<string>,
    from: Pick<HeldToken, 'realm' | 'service'>,
  ): Promise<HeldToken> {
    const current = this.#held;
    if (current === undefined || current === used) return this.#ask(scopes, from);
    return current.then(
      (held) =>
        [...scopes].every((scope) => held.scopes.has(scope)) || this.#held !== current
          ? (this.#held ?? current)
          : this.#ask(new Set([...held.scopes, ...scopes]), from),
      () => this.#ask(scopes, from),
    );
  }

  #ask(
    scopes: ReadonlySet<string>,
    { realm, service }: Pick<HeldToken, 'realm' | 'service'>,
  ): Promise<HeldToken> {
    const asked = (async () => {
      const credentials = await this.#find();
      const location = this.#options.place.url;
      const token = await this.#tokens.ask({ realm, service, scopes: [...scopes], credentials, location });
      const life = token.expires - Date.now();
      return { token, scopes, realm, service, renewal: token.expires - Math.min(MARGIN, life / 10) };
    })();
    this.#held = asked;
    asked.catch(() => {
      if (this.#held === asked) this.#held = undefined;
    });
    return asked;
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
    if (!isSafe)
      throw badRealm(url, `its service of tokens, "${redactUrl(found)}", is not reached over https`);
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

function actionsOf({ method }: Hop): string {
  if (method === 'GET' || method === 'HEAD') return 'pull';
  return method === 'DELETE' ? 'pull,delete' : 'pull,push';
}

function bearer(token: string): HttpHeaders {
  return { authorization: `Bearer ${token}` };
}

function basic(credentials: RegistryCredentials | undefined): HttpHeaders | undefined {
  if (credentials?.kind !== 'pair') return undefined;
  const { user, password } = credentials;
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
