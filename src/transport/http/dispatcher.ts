// Makes undici's connection pool: keep-alive, timeouts, proxies from the environment, custom certificate authorities.
// Variables as curl and OpenSSL read them: HTTP_PROXY, HTTPS_PROXY, NO_PROXY, SSL_CERT_FILE; and Node's NODE_EXTRA_CA_CERTS.

import { readFile } from 'node:fs/promises';
import type { Dispatcher } from 'undici';

import { UsageError } from '../../core/errors.js';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface ConnectionOptions {
  /** Milliseconds until a connection must stand. */
  readonly connectTimeout?: number | undefined;
  /** Milliseconds until the headers of an answer must be there. */
  readonly headersTimeout?: number | undefined;
  /** Milliseconds that may pass between two pieces of a body. */
  readonly bodyTimeout?: number | undefined;
  /** Open connections per server. */
  readonly connections?: number | undefined;
  /** A PEM file with the authorities to trust in place of the built-in ones. */
  readonly caFile?: string | undefined;
  /** Where the variables are read; `process.env` by default. */
  readonly environment?: Environment | undefined;
}

/** The HTTP library, loaded at the first request: it costs over 100 ms, which `file:` mirrors need not pay. */
function loadUndici(): Promise<typeof import('undici')> {
  return import('undici');
}

/**
 * Makes the pool that all requests of one mirror share; `destroy()` it at the end.
 * @throws UsageError `config` for a certificate file or a proxy that cannot be used.
 */
export async function makeDispatcher(options: ConnectionOptions): Promise<Dispatcher> {
  const { Agent, EnvHttpProxyAgent } = await loadUndici();
  const environment = options.environment ?? process.env;
  const ca = await readAuthorities(options.caFile, environment);
  const tls = ca === undefined ? {} : { ca };
  const timeout = options.connectTimeout ?? 30_000;
  const pool = {
    connect: { ...tls, timeout },
    headersTimeout: options.headersTimeout ?? 60_000,
    bodyTimeout: options.bodyTimeout ?? 60_000,
    connections: options.connections ?? 32,
  };
  const proxies = readProxies(environment);
  if (proxies === undefined) return new Agent(pool);
  const proxyTls = { ...tls, timeout };
  // Without a tunnel for plain HTTP: many proxies allow CONNECT to port 443 only.
  return new EnvHttpProxyAgent({ ...pool, ...proxies, proxyTls, requestTls: proxyTls, proxyTunnel: false });
}

interface Proxies {
  readonly httpProxy: string;
  readonly httpsProxy: string;
  readonly noProxy: string;
}

function readProxies(environment: Environment): Proxies | undefined {
  const httpProxy = readProxy('http_proxy', environment);
  const httpsProxy = readProxy('https_proxy', environment);
  if (httpProxy === '' && httpsProxy === '') return undefined;
  return { httpProxy, httpsProxy, noProxy: environment.no_proxy ?? environment.NO_PROXY ?? '' };
}

function readProxy(variable: string, environment: Environment): string {
  const value = environment[variable] ?? environment[variable.toUpperCase()] ?? '';
  if (value === '') return '';
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

async function readAuthorities(
  caFile: string | undefined,
  environment: Environment,
): Promise<string[] | undefined> {
  const chosen =
    caFile === undefined ? await readOptional(environment.SSL_CERT_FILE) : await readCaFile(caFile);
  if (chosen === undefined) return undefined; // Node adds NODE_EXTRA_CA_CERTS to its own list by itself
  const extra = await readOptional(environment.NODE_EXTRA_CA_CERTS);
  return extra === undefined ? [chosen] : [chosen, extra];
}

/** A variable that points nowhere is ignored, as OpenSSL and Node ignore it. */
async function readOptional(file: string | undefined): Promise<string | undefined> {
  if (file === undefined || file === '') return undefined;
  const text = await readFile(file, 'utf8').catch(() => '');
  return holdsCertificate(text) ? text : undefined;
}

async function readCaFile(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new UsageError('config', `Cannot read the certificate file "${file}"`, { cause, data: { file } });
  });
  if (holdsCertificate(text)) return text;
  throw new UsageError('config', `Cannot use the certificate file "${file}": it holds no PEM certificate`, {
    data: { file },
  });
}

function holdsCertificate(text: string): boolean {
  return text.includes('-----BEGIN CERTIFICATE-----') || text.includes('-----BEGIN TRUSTED CERTIFICATE-----');
}
