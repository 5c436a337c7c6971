import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectionError } from '../../../src/transport/http/errors.js';

test('connectionError tells whose certificate is missing', () => {
  const cases: readonly (readonly [code: string, hint: RegExp | undefined])[] = [
    ['SELF_SIGNED_CERT_IN_CHAIN', /SSL_CERT_FILE/],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', /SSL_CERT_FILE/],
    ['ERR_TLS_CERT_ALTNAME_INVALID', /SSL_CERT_FILE/],
    ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', /--client-certificate/],
    ['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', /--client-certificate/],
    ['ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE', /--client-certificate/],
    ['ECONNRESET', undefined],
  ];
  for (const [code, hint] of cases) {
    const cause = Object.assign(new Error('it failed'), { code });
    const error = connectionError({ method: 'GET', location: 'https://host/x' }, cause);
    assert.equal(error.code, 'mirror-unreachable');
    if (hint === undefined) assert.equal(error.hint, undefined, code);
    else assert.match(error.hint ?? '', hint, code);
  }
});
