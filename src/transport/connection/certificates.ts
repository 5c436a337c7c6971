// Whom to trust, and what to show to servers that ask who is there. Variables as OpenSSL reads them (SSL_CERT_FILE, SSL_CERT_DIR), and
// Node's NODE_EXTRA_CA_CERTS.
import { readdir, readFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { createSecureContext, rootCertificates } from 'node:tls';
import { UsageError } from '../../core/errors.js';
import type { Environment } from '../../host/environment.js';

export interface CertificateOptions {
  /** A PEM file of certificate authorities to trust instead of the built-in ones. */
  readonly caFile?: string | undefined;
  /** A PEM file with the certificate to show to the server, and perhaps its key. */
  readonly clientCertificate?: string | undefined;
  /** A PEM file with its key; by default it is in the same file. */
  readonly clientKey?: string | undefined;
}

/**
 * The authorities to trust; undefined for Node's own list, which already has those of NODE_EXTRA_CA_CERTS.
 * @throws UsageError `config` for a named file that cannot be used.
 */
export async function readAuthorities(
  { caFile }: CertificateOptions,
  environment: Environment,
): Promise<readonly string[] | undefined> {
  const extra = await readOptional(environment.NODE_EXTRA_CA_CERTS);
  if (caFile !== undefined) return [await readCertificates(caFile), ...extra];
  const file = await readOptional(environment.SSL_CERT_FILE);
  const folders = (environment.SSL_CERT_DIR ?? '').split(delimiter).filter((folder) => folder !== '');
  const listed = (await Promise.all(folders.map(readFolder))).flat();
  if (file.length === 0 && listed.length === 0) return undefined;
  // As in OpenSSL, each variable takes the place of its own default: a folder adds to the list.
  return [...new Set([...(file.length === 0 ? rootCertificates : file), ...listed, ...extra])];
}

export interface ClientCertificate {
  readonly cert: string;
  readonly key: string;
}

/** @throws UsageError `config` for files that cannot be used, or that do not fit. */
export async function readClientCertificate(
  options: CertificateOptions,
): Promise<ClientCertificate | undefined> {
  const { clientCertificate, clientKey = clientCertificate } = options;
  if (clientCertificate === undefined || clientKey === undefined) {
    if (clientKey === undefined) return undefined;
    throw new UsageError('config', `Cannot use the key "${clientKey}": there is no certificate with it`, {
      hint: 'Name the certificate, too: client_certificate in mirrors.yaml',
      data: { file: clientKey },
    });
  }
  const pair = { cert: await readCertificates(clientCertificate), key: await readNamed(clientKey) };
  try {
    createSecureContext(pair);
    return pair;
  } catch (cause) {
    throw new UsageError(
      'config',
      `Cannot use the certificate "${clientCertificate}" with the key "${clientKey}"`,
      {
        cause,
        hint: 'Both must be PEM, belong together, and have no passphrase',
        data: { file: clientCertificate, key: clientKey },
      },
    );
  }
}

async function readFolder(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder).catch(() => []);
  return (await Promise.all(names.sort().map((name) => readOptional(join(folder, name))))).flat();
}

/** A variable that names a missing file is ignored, as in OpenSSL and Node. */
async function readOptional(file: string | undefined): Promise<readonly string[]> {
  if (file === undefined || file === '') return [];
  const text = await readFile(file, 'utf8').catch(() => '');
  return holdsCertificate(text) ? [text] : [];
}

async function readCertificates(file: string): Promise<string> {
  const text = await readNamed(file);
  if (holdsCertificate(text)) return text;
  throw new UsageError(
    'config',
    `Cannot use the certificate file "${file}": it contains no PEM certificate`,
    { data: { file } },
  );
}

async function readNamed(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((cause: unknown) => {
    throw new UsageError('config', `Cannot read the certificate file "${file}"`, { cause, data: { file } });
  });
}

function holdsCertificate(text: string): boolean {
  return text.includes('-----BEGIN CERTIFICATE-----') || text.includes('-----BEGIN TRUSTED CERTIFICATE-----');
}
