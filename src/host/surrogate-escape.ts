// Byte names as text, as Python reads them: UTF-8, with each invalid byte as the lone surrogate U+DC00 + byte (PEP 383). Code that sorts,
// counts or quotes names as Spack does works on this form.

/** Decodes a byte string (one character per byte); different byte strings give different texts. */
export function decodeSurrogateEscape(bytes: string): string {
  if (isAscii(bytes)) return bytes;
  let text = '';
  for (let i = 0; i < bytes.length; ) {
    const length = sequenceLength(bytes, i);
    text +=
      length === 0
        ? String.fromCharCode(0xdc00 + bytes.charCodeAt(i))
        : Buffer.from(bytes.slice(i, i + length), 'latin1').toString('utf8');
    i += Math.max(1, length);
  }
  return text;
}

/** Encodes a text as a byte string: the inverse of `decodeSurrogateEscape`. */
export function encodeSurrogateEscape(text: string): string {
  if (isAscii(text)) return text;
  let bytes = '';
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    bytes += isEscapedByte(code)
      ? String.fromCharCode(code - 0xdc00)
      : Buffer.from(character, 'utf8').toString('latin1');
  }
  return bytes;
}

/** Says whether a code point of such a text stands for a byte that is not valid UTF-8. */
export function isEscapedByte(code: number): boolean {
  return code >= 0xdc80 && code <= 0xdcff;
}

/** Sorts byte strings by the code points of their texts: neither the order of UTF-16 units nor that of bytes. */
export function compareNames(a: string, b: string): number {
  if (isAscii(a) && isAscii(b)) return a < b ? -1 : Number(a > b);
  const left = [...decodeSurrogateEscape(a)];
  const right = [...decodeSurrogateEscape(b)];
  for (let i = 0; i < left.length && i < right.length; i++) {
    const order = (left[i]?.codePointAt(0) ?? 0) - (right[i]?.codePointAt(0) ?? 0);
    if (order !== 0) return order;
  }
  return left.length - right.length;
}

export function isAscii(text: string): boolean {
  return !/[^\0-\x7f]/.test(text);
}

/** The length of the well-formed UTF-8 sequence at an offset (Unicode table 3-7), 0 if there is none. */
function sequenceLength(bytes: string, offset: number): number {
  const first = bytes.charCodeAt(offset);
  if (first < 0x80) return 1;
  const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || offset + length > bytes.length) return 0;
  for (let i = 1; i < length; i++) {
    const [least, most] = i === 1 ? secondByteRange(first) : ([0x80, 0xbf] as const);
    const byte = bytes.charCodeAt(offset + i);
    if (byte < least || byte > most) return 0;
  }
  return length;
}

/** No overlong forms, no surrogates, nothing above U+10FFFF. */
function secondByteRange(first: number): readonly [number, number] {
  switch (first) {
    case 0xe0:
      return [0xa0, 0xbf];
    case 0xed:
      return [0x80, 0x9f];
    case 0xf0:
      return [0x90, 0xbf];
    case 0xf4:
      return [0x80, 0x8f];
    default:
      return [0x80, 0xbf];
  }
}
