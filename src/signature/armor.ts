// ASCII armor (RFC 9580 §6.2), read strictly: headers, an empty line, base64, an optional checksum line.

/**
 * Decodes the lines between the two dashed lines of an armored block; undefined when they are damaged.
 * The CRC24 line is skipped: RFC 9580 §6.1 tells readers not to rely on it.
 */
export function parseArmorBody(lines: readonly string[]): Uint8Array | undefined {
  const gap = lines.findIndex((line) => line.trim() === '');
  if (gap < 0 || !lines.slice(0, gap).every(isArmorHeader)) return undefined;
  const body = lines.slice(gap + 1).map((line) => line.trim());
  while (body.at(-1) === '') body.pop();
  if (body.at(-1)?.startsWith('=')) body.pop();
  return decodeBase64(body.join(''));
}

function isArmorHeader(line: string): boolean {
  return /^[A-Za-z][A-Za-z0-9-]*: ?[^\0]*$/.test(line);
}

function decodeBase64(text: string): Uint8Array | undefined {
  if (text === '' || text.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return undefined;
  return new Uint8Array(Buffer.from(text, 'base64'));
}

export interface ArmoredBlock {
  /** For example `PGP PUBLIC KEY BLOCK`. */
  readonly kind: string;
  readonly bytes: Uint8Array;
}

const BLOCK = /^-----BEGIN (PGP [A-Z ]+)-----[ \t]*\r?\n([\s\S]*?)^-----END \1-----[ \t]*\r?$/gm;

/** All armored blocks of a text; anything between them is skipped. Undefined when one is damaged. */
export function parseArmoredBlocks(text: string): readonly ArmoredBlock[] | undefined {
  const blocks: ArmoredBlock[] = [];
  const begins = text.match(/^-----BEGIN PGP /gm)?.length ?? 0;
  for (const [, kind = '', body = ''] of text.matchAll(BLOCK)) {
    const bytes = parseArmorBody(body.split(/\r?\n/).slice(0, -1));
    if (bytes === undefined) return undefined;
    blocks.push({ kind, bytes });
  }
  return blocks.length === begins ? blocks : undefined;
}
