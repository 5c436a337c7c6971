import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { configuredMirrors } from '../../src/config/configured-mirrors.js';
import type { ConfiguredMirror, MirrorConnection } from '../../src/config/mirrors-config.js';
import { spackDigest } from '../../src/config/scopes/spack-digest.js';
import type { Environment } from '../../src/host/environment.js';
import { loadVectors } from '../helpers/vectors.js';
import { temporaryFolder } from '../store/temporary-folder.js';

type Pair =
  | readonly (string | null)[]
  | { readonly id?: string; readonly id_variable?: string; readonly secret_variable?: string }
  | null;

interface Direction {
  readonly url: string | null;
  readonly access_pair: Pair;
  readonly access_token: string | null;
  readonly access_token_variable: string | null;
  readonly profile: string | null;
  readonly endpoint_url: string | null;
}

interface Case {
  readonly files: Readonly<Record<string, string>>;
  readonly environment: Environment;
  readonly mirrors: readonly {
    readonly name: string;
    readonly source: boolean;
    readonly binary: boolean;
    readonly signed: boolean;
    readonly fetch: Direction;
    readonly push: Direction;
  }[];
}

for (const version of ['0.22', '1.1']) {
  test(`configuredMirrors reads what Spack ${version} reads`, {
    skip: process.platform !== 'linux',
  }, async (context) => {
    for (const vector of loadVectors<Case>(`mirrors-${version}.json`)) {
      const folder = temporaryFolder(context);
      const place = (text: string) => text.replaceAll('@/', `${folder}/`);
      for (const [name, text] of Object.entries(vector.files)) {
        mkdirSync(dirname(join(folder, name)), { recursive: true });
        writeFileSync(join(folder, name), place(text));
      }
      const environment = Object.entries(vector.environment).map(([key, value]) => [key, place(value ?? '')]);
      const read = await configuredMirrors({
        ...Object.fromEntries(environment),
        HOME: join(folder, 'home'),
        SPACK_ROOT: join(folder, 'spack'),
        SPACK_SYSTEM_CONFIG_PATH: join(folder, 'system'),
      });
      const instance = spackDigest(join(folder, 'spack')).slice(0, 7);
      const answer = JSON.stringify(vector.mirrors)
        .replaceAll('file://@', `file://${folder}`)
        .replaceAll('#', instance);
      const mirrors = (JSON.parse(answer) as Case['mirrors']).map(expected);
      const message = JSON.stringify([vector.files, vector.environment], null, 1);
      assert.deepEqual(read.map(factsOf), mirrors, message);
    }
  });
}

function factsOf(mirror: ConfiguredMirror) {
  const { name, source, binary, signed } = mirror;
  return {
    ...{ name, source, binary, signed },
    fetch: [pathOf(mirror.fetchUrl), mirror.fetchConnection],
    push: [mirror.pushUrl === undefined ? null : pathOf(mirror.pushUrl), mirror.pushConnection],
  };
}

function expected({ name, source, binary, signed, fetch, push }: Case['mirrors'][number]) {
  const directionOf = (direction: Direction) => [
    direction.url === null ? null : pathOf(direction.url),
    connectionOf(direction),
  ];
  return { name, source, binary, signed, fetch: directionOf(fetch), push: directionOf(push) };
}

/** The two quote other characters of a path. */
function pathOf(url: string): string {
  return url.startsWith('file:///') ? `file:${fileURLToPath(url)}` : url;
}

function connectionOf(direction: Direction): MirrorConnection {
  const { access_pair, access_token, access_token_variable, profile, endpoint_url } = direction;
  return {
    ...(access_pair === null ? {} : { accessPair: pairOf(access_pair) }),
    ...(access_token === null ? {} : { accessToken: access_token }),
    ...(access_token_variable === null ? {} : { accessTokenVariable: access_token_variable }),
    ...(profile === null ? {} : { profile }),
    ...(endpoint_url === null ? {} : { endpointUrl: endpoint_url }),
  };
}

function pairOf(pair: NonNullable<Pair>): NonNullable<MirrorConnection['accessPair']> {
  if ('length' in pair) {
    const [id, secret] = pair;
    return { ...(id && { id }), ...(secret && { secret }) };
  }
  const { id, id_variable: idVariable, secret_variable: secretVariable } = pair;
  return { ...(id && { id }), ...(idVariable && { idVariable }), ...(secretVariable && { secretVariable }) };
}
