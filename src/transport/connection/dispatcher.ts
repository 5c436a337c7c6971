// Makes undici's connection pool: keep-alive, timeouts, certificates, and proxies from the environment. Variables as curl reads them, in
// lower or upper case: HTTP_PROXY, HTTPS_PROXY, ALL_PROXY for both, NO_PROXY.

import type { Dispatcher, ProxyAgent } from 'undici';

import { UsageError } from '../../core/errors.js';
import type { Environment } from '../../host/environment.js';
import { type CertificateOptions, readAuthorities, readClientCertificate } from './certificates.js';
import { parseNoProxy } from './no-proxy.js';

export interface ConnectionOptions extends CertificateOptions {
  /** Connect timeout in milliseconds. */
  readonly connectTimeout?: number | undefined;
  /** Timeout for the response headers, in milliseconds. */
  readonly headersTimeout?: number | undefined;
  /** Timeout between two pieces of a body, in milliseconds. */
  readonly bodyTimeout?: number | undefined;
  /** Maximum number of connections per server. */
  readonly connections?: number | undefined;
  /** The environment variables; `process.env` by default. */
  readonly environment?: Environment | undefined;
}

/** The HTTP library, loaded at the first request: it costs over 100 ms, which `file:` mirrors need not pay. */
function loadUndici(): Promise<typeof import('undici')> {
  return import('undici');
}

/**
 * Makes the pool that all requests to one mirror share; call `destroy()` on it at the end.
 * @throws UsageError `config` for a certificate file or a proxy that cannot be used.
 */
export async function makeDispatcher(options: ConnectionOptions): Promise<Dispatcher> {
  const { Agent } = await loadUndici();
  const environment = options.environment ?? process.env;
  const ca = await readAuthorities(options, environment);
  const trust = { ...(ca === undefined ? {} : { ca: [...ca] }), timeout: options.connectTimeout ?? 30_000 };
  const identified = { ...trust, ...(await readClientCertificate(options)) };
  const pool = {
    connect: identified,
    headersTimeout: options.headersTimeout ?? 60_000,
    bodyTimeout: options.bodyTimeout ?? 60_000,
    connections: options.connections ?? 32,
  };
  const direct = new Agent(pool);
  const proxies = readProxies(environment);
  if (proxies === undefined) return direct;
  // No tunnel for plain HTTP: many proxies allow CONNECT only to port 443.
  return dispatchByProxies(direct, proxies, {
    ...pool,
    proxyTls: trust,
    requestTls: identified,
    proxyTunnel: false,
  });
}

/** By the protocol of the server. */
interface Proxies {
  readonly 'http:': string;
  readonly 'https:': string;
  readonly isDirect: (url: URL) => boolean;
}

/** Sends each request by the proxy that serves it, or directly. */
async function dispatchByProxies(
  direct: Dispatcher,
  proxies: Proxies,
  options: Omit<ProxyAgent.Options, 'uri'>,
): Promise<Dispatcher> {
  const { Dispatcher, ProxyAgent: Agent } = await loadUndici();
  const agents = new Map(
    [...new Set([proxies['http:'], proxies['https:']])]
      .filter((uri) => uri !== '')
      .map((uri) => [uri, new Agent({ ...options, uri })] as const),
  );
  const choose = (origin: URL): Dispatcher => {
    const proxy = origin.protocol === 'https:' ? proxies['https:'] : proxies['http:'];
    return (proxies.isDirect(origin) ? undefined : agents.get(proxy)) ?? direct;
  };
  const all = [direct, ...agents.values()];
  return new (class extends Dispatcher {
    override dispatch(request: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
      return choose(new URL(String(request.origin))).dispatch(request, handler);
    }

    override async destroy(): Promise<void> {
      await Promise.all(all.map((agent) => agent.destroy()));
    }
  })();
}

function readProxies(environment: Environment): Proxies | undefined {
  // What others use ALL_PROXY for (SOCKS) matters only where nothing else is set.
  const proxyOf = (variable: string) =>
    readProxy(variable, environment) ?? readProxy('all_proxy', environment) ?? '';
  const [http, https] = [proxyOf('http_proxy'), proxyOf('https_proxy')];
  if (http === '' && https === '') return undefined;
  const isDirect = parseNoProxy(environment.no_proxy ?? environment.NO_PROXY ?? '');
  return { 'http:': http, 'https:': https, isDirect };
}

/** Undefined if the variable is not set; an empty one means no proxy. */
function readProxy(variable: string, environment: Environment): string | undefined {
  const value = environment[variable] ?? environment[variable.toUpperCase()];
  if (value === undefined || value === '') return value;
  const proxy = value.includes('://') ? value : `http://${value}`;
  const protocol = URL.canParse(proxy) ? new URL(proxy).protocol : '';
  if (protocol === 'http:' || protocol === 'https:') return proxy;
  throw new UsageError(
    'config',
    `Cannot use the proxy in "${variable.toUpperCase()}": it is not an HTTP URL`,
    {
      hint: 'Write it as http://host:port',
      data: { variable: variable.toUpperCase() },
    },
  );
}
