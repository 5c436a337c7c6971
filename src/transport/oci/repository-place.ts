// Which repository a URL names: `oci://` over https, `oci+http://` over http, with the defaults of Docker where no registry is named
// (FORMATS.md §6; the names are those of the OCI distribution specification 1.1, "Pulling manifests").
import { MirrorError } from '../../core/errors.js';

export interface RepositoryPlace {
  /** Without credentials: `oci://host/name`. */
  readonly url: string;
  /** Of the registry's API. */
  readonly origin: string;
  /** The registry as people write it, which its credentials are kept under. */
  readonly registry: string;
  readonly name: string;
  /** Of the URL itself. */
  readonly login?: { readonly user: string; readonly password: string } | undefined;
}

const FORM = /^oci(\+https?)?:\/\/(?:([^/]*)@)?([^/?#@]*)(?:\/(.*))?$/i;
const NAME = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const REGISTRY =
  /^(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*|\[[0-9a-f:]+\])(?::\d{1,5})?$/i;
const LONGEST_NAME = 255;
/** Docker's own registry has one name for people, one for credentials, and one for its API. */
const DOCKER_NAMES: ReadonlySet<string> = new Set(['docker.io', 'index.docker.io', 'registry-1.docker.io']);
const DOCKER = 'index.docker.io';
const DOCKER_API = 'registry-1.docker.io';

/**
 * Parses the URL of a repository.
 * @throws MirrorError `mirror-protocol` for what is none, such as one with a tag.
 */
export function parseRepositoryUrl(reference: string): RepositoryPlace {
  const match = FORM.exec(reference);
  const [, transport = '', login, first = '', rest = ''] = match ?? [];
  if (first === '') throw notOne('it has no registry and name');
  // Perhaps a part of a password: nothing of it may be repeated.
  if (/@(?!\w+:[^/@]*$)/.test(rest))
    throw notOne('it has an "@" in its name; in a password, "/" is written as %2F and "@" as %40');
  const path = rest.replace(/\/+$/, '');
  const isRegistry = /[.:]/.test(first) || first.toLowerCase() === 'localhost' || first.startsWith('[');
  const host = isRegistry ? first.toLowerCase() : DOCKER;
  const registry = DOCKER_NAMES.has(host) ? DOCKER : host;
  const named = (isRegistry ? path : [first, path].filter((part) => part !== '').join('/')).toLowerCase();
  const name = registry === DOCKER && named !== '' && !named.includes('/') ? `library/${named}` : named;
  if (!REGISTRY.test(registry)) throw notOne(`"${registry}" is no host`);
  const problem = nameProblem(name);
  if (problem !== undefined) throw notOne(problem);
  const isPlain = transport.toLowerCase() === '+http';
  return {
    url: `oci${isPlain ? '+http' : ''}://${registry}/${name}`,
    origin: `${isPlain ? 'http' : 'https'}://${registry === DOCKER ? DOCKER_API : registry}`,
    registry,
    name,
    login: login === undefined || login === '' ? undefined : loginIn(login),
  };
}

function nameProblem(name: string): string | undefined {
  if (name === '') return 'it names no repository of the registry';
  const end = /[:@][^/]*$/.exec(name);
  if (end !== null) return `it ends in "${end[0].slice(0, 80)}", but a mirror has no tag and no digest`;
  if (!NAME.test(name) || name.length > LONGEST_NAME)
    return `"${name.slice(0, 80)}" cannot be the name of a repository`;
  return undefined;
}

function loginIn(text: string): { user: string; password: string } {
  const colon = text.indexOf(':');
  const [user, password] = colon === -1 ? [text, ''] : [text.slice(0, colon), text.slice(colon + 1)];
  return { user: decoded(user), password: decoded(password) };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The URL is not repeated: it may hold a password. */
function notOne(problem: string): MirrorError {
  return new MirrorError('mirror-protocol', `Cannot open a mirror in a registry: ${problem}`, {
    hint: 'Write it as oci://HOST[:PORT]/NAME, or oci+http:// for a registry without TLS',
  });
}
