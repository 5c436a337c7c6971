// A real registry. REGRAFT_OCI_REGISTRY names a script that starts one for a folder and writes DIR/env; beside it lies the service of tokens,
// `oci-token-server.py`. The variable REGISTRY chooses the program.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { openRepository } from '../../src/transport/oci/open-repository.js';
import type { Repository } from '../../src/transport/oci/repository.js';
import type { OpenStoreOptions } from '../../src/transport/open-store.js';
import { temporaryFolder } from '../store/temporary-folder.js';
import { makeAuthority } from './throwaway-authority.js';

const SCRIPT = process.env.REGRAFT_OCI_REGISTRY;

/** Why tests with it cannot run; false where they can. */
export const NO_OCI_REGISTRY: string | false =
  SCRIPT === undefined
    ? 'skipped: REGRAFT_OCI_REGISTRY does not name a script that starts a registry'
    : false;

/** The service of tokens takes a user's rights from behind a second colon. */
export const PASSWORD = 'pass word ü&%';

export interface RegistrySetting {
  readonly login?: 'basic' | 'bearer' | undefined;
  readonly withTls?: boolean | undefined;
  /** Seconds that a token lasts. */
  readonly expires?: number | undefined;
}

export interface OciRegistry {
  readonly port: number;
  /** Of the service of tokens. */
  readonly realm: string;
  /** A PEM file with the authority that signed its certificate; undefined without TLS. */
  readonly authority: string | undefined;
  url(name: string, port?: number): string;
  /** Opens a repository as the user "me", unless told otherwise. */
  open(name: string, options?: OpenStoreOptions, port?: number): Repository;
  /** The requests for tokens so far. */
  tokensAsked(): readonly string[];
}

export function startOciRegistry(t: TestContext, setting: RegistrySetting = {}): OciRegistry {
  const { login, withTls = false } = setting;
  const folder = temporaryFolder(t);
  const authority = withTls ? makeAuthority(folder) : undefined;
  const tls = authority === undefined ? [] : ['--tls', authority.certificate, authority.key];
  const tokens = login === 'bearer' ? startTokenServer(join(folder, 'tokens'), setting, tls) : undefined;
  const realm = tokens?.TOKEN_REALM ?? '';
  const guard =
    tokens === undefined
      ? login === 'basic'
        ? ['--basic', 'me', PASSWORD]
        : []
      : ['--token', realm, tokens.TOKEN_SERVICE, tokens.TOKEN_ISSUER, tokens.TOKEN_BUNDLE];
  execFileSync(SCRIPT ?? '', [join(folder, 'registry'), ...tls, ...guard.map(String)], { stdio: 'ignore' });
  const { OCI_PORT, OCI_PID } = readVariables(join(folder, 'registry', 'env'));
  const opened: Repository[] = [];
  t.after(async () => {
    await Promise.all(opened.map((repository) => repository.close()));
    for (const pid of [OCI_PID, tokens?.TOKEN_PID]) if (pid !== undefined) process.kill(Number(pid));
  });
  const url: OciRegistry['url'] = (name, port = Number(OCI_PORT)) =>
    `oci${withTls ? '' : '+http'}://127.0.0.1:${port}/${name}`;
  const mine = login && { accessPair: { id: 'me', secret: PASSWORD } };
  return {
    port: Number(OCI_PORT),
    realm,
    authority: authority?.authority,
    url,
    open: (name, options = {}, port = Number(OCI_PORT)) => {
      const defaults = { environment: { HOME: folder }, connection: mine, caFile: authority?.authority };
      const repository = openRepository(url(name, port), { ...defaults, ...options });
      opened.push(repository);
      return repository;
    },
    tokensAsked: () =>
      readFileSync(join(folder, 'tokens', 'tokens.log'), 'utf8')
        .trim()
        .split('\n'),
  };
}

/** It runs until it is ended, and writes DIR/env when it is ready. */
function startTokenServer(
  folder: string,
  { expires = 300 }: RegistrySetting,
  tls: readonly string[],
): Readonly<Record<string, string>> {
  mkdirSync(folder);
  const program = join(dirname(SCRIPT ?? ''), 'oci-token-server.py');
  const users = ['--user', `me:${PASSWORD}:push`, '--user', `reader:${PASSWORD}:pull`];
  const rest = [...users, '--expires', String(expires), '--anonymous', 'none', ...tls];
  const wait = '"$@" & while [ ! -e "$DIR/env" ]; do kill -0 $! || exit 1; sleep 0.05; done';
  execFileSync('sh', ['-c', wait, 'sh', 'python3', program, folder, ...rest], {
    stdio: 'ignore',
    env: { ...process.env, DIR: folder },
  });
  return readVariables(join(folder, 'env'));
}

function readVariables(path: string): Readonly<Record<string, string>> {
  const text = readFileSync(path, 'utf8');
  return Object.fromEntries(
    [...text.matchAll(/(?<= )(\w+)=(\S+)/g)].map(([, name = '', value = '']) => [name, value]),
  );
}
