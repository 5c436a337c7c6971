// The little XML that S3 answers with: elements by their names, without attributes that matter. Nothing is nested in its own kind.

const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

/** The text of the first element of a name; undefined when there is none. */
export function elementText(xml: string, name: string): string | undefined {
  const [content] = elements(xml, name);
  return content === undefined ? undefined : decodeText(content);
}

/** What is between the tags of each element of a name. */
export function elements(xml: string, name: string): readonly string[] {
  const found: string[] = [];
  const end = `</${name}>`;
  const begin = new RegExp(`<${name}(?:\\s[^>]*)?(/?)>`, 'g');
  for (let match = begin.exec(xml); match !== null; match = begin.exec(xml)) {
    const stop = match[1] === '/' ? begin.lastIndex : xml.indexOf(end, begin.lastIndex);
    if (stop === -1) break;
    found.push(xml.slice(begin.lastIndex, stop));
    begin.lastIndex = stop;
  }
  return found;
}

export function encodeText(text: string): string {
  return text.replace(/[<>&]/g, (character) => `&#${character.charCodeAt(0)};`);
}

function decodeText(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|(\w+));/gi, (whole, decimal, hex, name) => {
    if (name !== undefined) return ENTITIES[name] ?? whole;
    const code = decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal);
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}
