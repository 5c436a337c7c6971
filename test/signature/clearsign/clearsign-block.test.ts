import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SignatureError, type SignatureErrorCode } from '../../../src/core/errors.js';
import { parseClearsigned } from '../../../src/signature/clearsign/clearsign-block.js';

const BEGIN = '-----BEGIN PGP SIGNED MESSAGE-----';
const SIGNATURE = '-----BEGIN PGP SIGNATURE-----\n\nAQID\n=abcd\n-----END PGP SIGNATURE-----\n';

function block(text: string, headers = 'Hash: SHA512\n\n', signature = SIGNATURE): string {
  return `${BEGIN}\n${headers}${text}\n${signature}`;
}

function textOf(content: string | Uint8Array): string {
  return Buffer.from(parseClearsigned(Buffer.from(content as string), 'x').text).toString('latin1');
}

function refuses(content: string | Uint8Array, code: SignatureErrorCode, what?: string): void {
  assert.throws(
    () => parseClearsigned(Buffer.from(content as string), 'the source'),
    (error: unknown) => {
      assert.ok(error instanceof SignatureError, `${what ?? content}: ${error}`);
      assert.equal(error.code, code, `${what ?? content}: ${error.message}`);
      assert.match(error.message, /"the source"/);
      return true;
    },
  );
}

test('parseClearsigned returns the text and the signature', () => {
  const { text, signature } = parseClearsigned(Buffer.from(block('one\ntwo')), 'x');
  assert.equal(Buffer.from(text).toString(), 'one\ntwo');
  assert.deepEqual(signature, Uint8Array.of(1, 2, 3));
});

test('parseClearsigned removes dash escapes and blanks at line ends', () => {
  assert.equal(
    textOf(block('- -----BEGIN PGP SIGNED MESSAGE-----\n- - x\n- From me\n-  y')),
    '-----BEGIN PGP SIGNED MESSAGE-----\n- x\nFrom me\n y',
  );
  assert.equal(textOf(block('a \t \nb\t\n  c\n\r\n')), 'a\nb\n  c\n\n');
  assert.equal(textOf(block('- \n-  \t')), '\n');
});

test('parseClearsigned keeps empty lines, and knows an empty text', () => {
  assert.equal(textOf(block('\n\na\n\n')), '\n\na\n\n');
  assert.equal(textOf(block('')), '');
  assert.equal(textOf(`${BEGIN}\n\n${SIGNATURE}`), '');
});

test('parseClearsigned takes CR-LF for LF', () => {
  const content = block('one\n- -two\nthree ');
  assert.equal(textOf(content.replaceAll('\n', '\r\n')), textOf(content));
});

test('parseClearsigned keeps bytes that are not UTF-8', () => {
  const content = Buffer.from(block('a\xff\x80b'), 'latin1');
  assert.equal(textOf(content), 'a\xff\x80b');
});

test('parseClearsigned allows white space around the block, and no or several Hash headers', () => {
  assert.equal(textOf(`\n \t\r\n${block('a')}\n\n  \r\n`), 'a');
  assert.equal(textOf(block('a', '\n')), 'a');
  assert.equal(textOf(block('a', 'Hash: SHA256, SHA512\nHash: SHA3-256\n\n')), 'a');
  assert.equal(textOf(block('a').trimEnd()), 'a');
});

test('parseClearsigned: a file without a block is not signed', () => {
  for (const content of [
    '',
    '\n',
    '{"spec":{}}',
    'x'.repeat(100),
    SIGNATURE,
    '-----BEGIN PGP MESSAGE-----\n\nAQID\n-----END PGP MESSAGE-----\n',
  ]) {
    refuses(content, 'signature-missing');
  }
});

test('parseClearsigned refuses text around the block', () => {
  const good = block('good');
  refuses(`evil\n${good}`, 'signature-malformed');
  refuses(`\ufeff${good}`, 'signature-malformed');
  refuses(`${good}evil`, 'signature-malformed');
  refuses(`${good}\n\n${good}`, 'signature-malformed');
  refuses(`${good}${SIGNATURE}`, 'signature-malformed');
  refuses(`{"a":"\n${good}"}`, 'signature-malformed');
  refuses(`${good}\0`, 'signature-malformed');
});

test('parseClearsigned refuses a second block inside of the first', () => {
  refuses(block(`good\n${BEGIN}\nHash: SHA512\n\nevil`), 'signature-malformed');
  refuses(block('good\n-----BEGIN PGP PUBLIC KEY BLOCK-----'), 'signature-malformed');
  refuses(
    block('a', undefined, `-----BEGIN PGP SIGNATURE-----\n\nAQID\n${SIGNATURE}`),
    'signature-malformed',
  );
});

test('parseClearsigned refuses lines with an unescaped dash', () => {
  for (const line of [
    '-',
    '-x',
    '--',
    '-\tx',
    '----- BEGIN PGP SIGNATURE-----',
    '-----BEGIN PGP SIGNATURE----- x',
    ` ${BEGIN}`.trim(),
  ]) {
    refuses(block(`a\n${line}\nb`), 'signature-malformed');
  }
});

test('parseClearsigned refuses headers other than Hash', () => {
  for (const headers of [
    'Comment: x\n\n',
    'Hash: SHA512\nevil: "text"\n\n',
    'Hash: \n\n',
    'Hash:SHA512\n\n',
    'hash: SHA512\n\n',
    'Hash: SHA512',
    'Hash: SHA512\n \n',
    'evil\n\n',
    ' \n',
    '\t\n',
  ]) {
    refuses(block('a', headers), 'signature-malformed', JSON.stringify(headers));
  }
});

test('parseClearsigned refuses a damaged signature', () => {
  const wrap = (body: string) => `-----BEGIN PGP SIGNATURE-----\n${body}-----END PGP SIGNATURE-----\n`;
  for (const body of [
    '',
    '\n',
    'AQID\n',
    '\nAQI\n',
    '\nAQID!\n',
    '\nAQ=D\n',
    '\nAQID\nevil text\n',
    '\nAQID\n=abcd\nAQID\n',
    'Bad header\n\nAQID\n',
    '\n=abcd\n',
    '\n====\n',
  ]) {
    refuses(block('a', undefined, wrap(body)), 'signature-malformed', JSON.stringify(body));
  }
  assert.deepEqual(
    parseClearsigned(Buffer.from(block('a', undefined, wrap('Version: x\nComment: y: z\n\nAQ\nID\n'))), 'x')
      .signature,
    Uint8Array.of(1, 2, 3),
  );
});

test('parseClearsigned refuses every truncation', () => {
  const whole = block('one\n- -two').trimEnd();
  for (let length = 0; length < whole.length; length++) {
    assert.throws(
      () => parseClearsigned(Buffer.from(whole.slice(0, length)), 'x'),
      SignatureError,
      String(length),
    );
  }
});

test('parseClearsigned returns a result or a SignatureError for anything', () => {
  const pieces = fc.constantFrom(
    BEGIN,
    SIGNATURE,
    'Hash: SHA512',
    '',
    '-',
    '- ',
    ' ',
    '\t',
    'text',
    '\r',
    '-----END PGP SIGNATURE-----',
    'AQID',
    '\0',
    'é',
  );
  const content = fc.array(fc.tuple(pieces, fc.constantFrom('\n', '\r\n', '')), { maxLength: 12 });
  fc.assert(
    fc.property(content, (parts) => {
      try {
        const { text } = parseClearsigned(Buffer.from(parts.flat().join('')), 'x');
        // What is left of the text holds no line that ends in a blank.
        assert.ok(!/[ \t\r](?:\n|$)/.test(Buffer.from(text).toString('latin1')));
      } catch (error) {
        assert.ok(error instanceof SignatureError, String(error));
      }
    }),
    { seed: 20240115, numRuns: 3000 },
  );
});

test('parseClearsigned needs time in proportion to the size', () => {
  const large = `${'x'.repeat(50)} \n`.repeat(200_000);
  const started = performance.now();
  assert.equal(parseClearsigned(Buffer.from(block(large)), 'x').text.length, 51 * 200_000);
  refuses('\n'.repeat(5_000_000), 'signature-missing', 'blank lines');
  refuses(`${BEGIN}\n\n${'-'.repeat(5_000_000)}`, 'signature-malformed', 'dashes');
  assert.ok(performance.now() - started < 20_000);
});
