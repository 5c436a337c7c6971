import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseNoProxy } from '../../../src/transport/connection/no-proxy.js';

const CASES: readonly (readonly [noProxy: string, direct: readonly string[], proxied: readonly string[]])[] =
  [
    ['', [], ['http://a', 'https://127.0.0.1']],
    ['*', ['http://a', 'https://[::1]:8'], []],
    [
      'host',
      ['http://host', 'http://HOST:99', 'http://sub.host', 'http://host./x'],
      ['http://ahost', 'http://host.com'],
    ],
    ['.host', ['http://host', 'http://a.b.host'], ['http://ahost']],
    ['*.host', ['http://host', 'http://a.host'], ['http://ahost']],
    ['host:8080', ['http://host:8080', 'https://a.host:8080'], ['http://host', 'http://host:80']],
    ['host:443', ['https://host'], ['http://host']],
    ['a, b  c', ['http://a', 'http://b', 'http://c'], ['http://d']],
    ['127.0.0.1', ['http://127.0.0.1:5'], ['http://127.0.0.2', 'http://localhost']],
    ['127.0.0.1:80', ['http://127.0.0.1'], ['https://127.0.0.1']],
    ['10.0.0.0/8', ['http://10.1.2.3:9'], ['http://11.0.0.1', 'http://10.example']],
    ['fd00::/8', ['http://[fd12::1]'], ['http://[fe80::1]', 'http://10.0.0.1']],
    ['::1', ['http://[::1]:90'], ['http://[::2]']],
    ['[::1]:90', ['http://[::1]:90'], ['http://[::1]']],
    ['10.0.0.0/99,x/8,/,:,host', ['http://host'], ['http://10.0.0.1', 'http://x']],
  ];

for (const [noProxy, direct, proxied] of CASES) {
  test(`parseNoProxy: "${noProxy}"`, () => {
    const isDirect = parseNoProxy(noProxy);
    for (const url of direct) assert.equal(isDirect(new URL(url)), true, url);
    for (const url of proxied) assert.equal(isDirect(new URL(url)), false, url);
  });
}
