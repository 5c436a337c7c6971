// Tells a URL from a path.

/** The lower-case scheme of a URL; undefined for a path. A single letter is a drive. */
export function schemeOf(reference: string): string | undefined {
  return /^(?:(file):|([a-z][a-z0-9+.-]+):\/\/)/i.exec(reference)?.slice(1).join('').toLowerCase();
}
