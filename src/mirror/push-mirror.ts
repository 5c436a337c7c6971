// Finds the mirror that a push goes to: a configured mirror may have a separate push URL.

import type { ConfiguredMirror } from '../config/mirrors-config.js';
import { type ResolvedMirror, resolveMirrors } from '../config/resolve-mirrors.js';
import { UsageError } from '../core/errors.js';

/**
 * Finds the mirror to push to.
 * @param reference - the name of a configured mirror, a URL or a path.
 * @throws UsageError `unknown-mirror`; `config` for a mirror without a push URL.
 */
export function resolvePushMirror(
  reference: string,
  configured: readonly ConfiguredMirror[],
): ResolvedMirror {
  const closed = configured.find(({ name, pushUrl }) => name === reference && pushUrl === undefined);
  if (closed !== undefined)
    throw new UsageError(
      'config',
      `Cannot push to mirror "${reference}": its configuration has no push URL`,
      {
        hint: 'Give it a "push" URL in mirrors.yaml, or pass the URL with --mirror',
        data: { mirror: reference },
      },
    );
  const pushable = configured.map(placeToPush);
  const [resolved] = resolveMirrors([reference], pushable);
  if (resolved === undefined) throw new TypeError('A reference resolves to one mirror');
  return resolved;
}

/** The same mirror, with the place to push to as the one that is resolved. */
function placeToPush({ fetchProblem, fetchView, ...mirror }: ConfiguredMirror): ConfiguredMirror {
  const { pushUrl, pushProblem, pushConnection, pushView } = mirror;
  const problem = pushUrl === undefined ? fetchProblem : pushProblem;
  return {
    ...mirror,
    fetchUrl: pushUrl ?? mirror.fetchUrl,
    fetchConnection: pushConnection,
    ...(pushView === undefined ? {} : { fetchView: pushView }),
    ...(problem === undefined ? {} : { fetchProblem: problem }),
  };
}
