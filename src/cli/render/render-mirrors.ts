// The configured mirrors. What they log in with is named, never shown.
import type { ListedMirror } from '../../config/configured-mirrors.js';
import type { ConfiguredMirror, MirrorConnection } from '../../config/mirrors-config.js';
import { redactUrl } from '../../transport/http/location.js';
import type { Console } from '../console.js';

/** Prints a mirror a line, and its file below; in JSON modes all that is known but secrets. */
export function renderMirrors(mirrors: readonly ListedMirror[], console: Console): void {
  const width = Math.max(0, ...mirrors.map(({ name }) => name.length));
  for (const each of mirrors) {
    console.line(`${each.name.padEnd(width)}  ${describe(each)}`);
    console.line(`${' '.repeat(width)}  ${each.scope}: ${each.files.join(', ')}`);
  }
  if (mirrors.length === 0) console.line('no mirrors are configured');
  console.result({ mirrors: mirrors.map(factsOf) });
}

function describe({ mirror, isOverridden }: ListedMirror): string {
  const overridden = isOverridden ? ' (overridden)' : '';
  if (mirror === undefined) return `no URL${overridden}`;
  const { fetchUrl, pushUrl, fetchView, pushView } = mirror;
  const isOne = pushUrl === undefined || (fetchUrl === pushUrl && fetchView === pushView);
  const push = isOne ? '' : `, push to ${place(pushUrl, pushView)}`;
  const notes = [
    mirror.signed ? undefined : 'unsigned',
    mirror.binary ? undefined : 'sources only',
    mirror.fetchProblem === undefined ? undefined : 'only Spack can find it',
    loginOf(mirror.fetchConnection),
  ].filter((note) => note !== undefined);
  return `${place(fetchUrl, fetchView)}${push}${notes.length === 0 ? '' : ` [${notes.join(', ')}]`}${overridden}`;
}

function place(url: string, view: string | undefined): string {
  return view === undefined ? withoutSecrets(url) : `${withoutSecrets(url)} (view ${view})`;
}

function withoutSecrets(url: string): string {
  return URL.canParse(url) ? redactUrl(new URL(url)) : url;
}

function factsOf({ mirror, ...listed }: ListedMirror) {
  return { ...listed, ...(mirror === undefined ? {} : mirrorFacts(mirror)) };
}

function mirrorFacts(mirror: ConfiguredMirror) {
  const { fetchUrl, pushUrl, source, binary, signed, fetchView, pushView, fetchProblem } = mirror;
  const { endpointUrl } = mirror.fetchConnection;
  return {
    url: withoutSecrets(fetchUrl),
    pushUrl: pushUrl === undefined ? undefined : withoutSecrets(pushUrl),
    ...{ source, binary, signed, view: fetchView, pushView },
    endpointUrl: endpointUrl === undefined ? undefined : withoutSecrets(endpointUrl),
    login: loginOf(mirror.fetchConnection),
    pushLogin: loginOf(mirror.pushConnection),
    problem: fetchProblem?.message,
  };
}

/** What it logs in with, in words; undefined for nobody. */
function loginOf({
  accessPair,
  accessToken,
  accessTokenVariable,
  ...more
}: MirrorConnection): string | undefined {
  if (accessPair !== undefined && Object.keys(accessPair).length > 0) {
    const { id, idVariable, secretVariable } = accessPair;
    const variables = [idVariable, secretVariable].filter((name) => name !== undefined);
    if (variables.length > 0) return `login of ${variables.map((name) => `$${name}`).join(', ')}`;
    return id === undefined ? 'login' : 'login in the file';
  }
  if (accessTokenVariable !== undefined) return `token of $${accessTokenVariable}`;
  if (accessToken !== undefined) return 'token in the file';
  if (more.profile !== undefined) return `profile ${more.profile}`;
  return more.clientCertificate === undefined ? undefined : 'client certificate';
}
