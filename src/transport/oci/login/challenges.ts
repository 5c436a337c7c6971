// The challenges of a 401 (RFC 9110 §11.6.1): several may stand in one header, and the header may be repeated.

export interface LoginChallenge {
  /** In lower case, such as `bearer`. */
  readonly scheme: string;
  /** By names in lower case. */
  readonly parameters: ReadonlyMap<string, string>;
}

const TOKEN = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y;
const PARAMETER = /([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/y;
const SEPARATORS = /[\s,]+/y;

/** The challenges of a header, or of several; what follows something malformed is left out. */
export function parseChallenges(headers: readonly string[]): readonly LoginChallenge[] {
  return headers.flatMap((header) => challengesIn(header));
}

function challengesIn(header: string): LoginChallenge[] {
  const found: { scheme: string; parameters: Map<string, string> }[] = [];
  let position = 0;
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = position;
    const match = pattern.exec(header);
    if (match !== null) position = pattern.lastIndex;
    return match;
  };
  while (position < header.length) {
    take(SEPARATORS);
    const parameter = take(PARAMETER);
    const current = found.at(-1);
    if (parameter !== null && current !== undefined) {
      const [, name = '', quoted, plain = ''] = parameter;
      const value = quoted?.replace(/\\(.)/g, '$1') ?? plain;
      if (!current.parameters.has(name.toLowerCase())) current.parameters.set(name.toLowerCase(), value);
      continue;
    }
    const scheme = parameter === null ? take(TOKEN) : null;
    if (scheme === null) break;
    found.push({ scheme: scheme[0].toLowerCase(), parameters: new Map() });
  }
  return found;
}
