import assert from 'node:assert/strict';
import { test } from 'node:test';
import { requestUrl } from '../../../src/transport/s3/bucket-place.js';
import { findEndpoint, findGoogleEndpoint, findRegion } from '../../../src/transport/s3/endpoint.js';
import { expectError } from './fake-place.js';

const NOTHING = { connection: {}, environment: {}, profile: {} };
const request = { bucket: 'bucket', key: 'a/b+c', region: 'eu-west-1' };

test('requestUrl has virtual hosts at AWS, unless a name has dots', () => {
  const endpoint = findEndpoint(NOTHING);
  assert.equal(requestUrl(endpoint, request).href, 'https://bucket.s3.eu-west-1.amazonaws.com/a/b%2Bc');
  const dotted = requestUrl(endpoint, { ...request, bucket: 'my.bucket' });
  assert.equal(dotted.href, 'https://s3.eu-west-1.amazonaws.com/my.bucket/a/b%2Bc');
  const china = requestUrl(endpoint, { ...request, region: 'cn-north-1' });
  assert.equal(china.host, 'bucket.s3.cn-north-1.amazonaws.com.cn');
  assert.equal(
    requestUrl(endpoint, { ...request, key: undefined, query: { prefix: 'a b/', uploads: '' } }).href,
    'https://bucket.s3.eu-west-1.amazonaws.com/?prefix=a%20b%2F&uploads=',
  );
});

test('requestUrl has path style at an endpoint that is named', () => {
  const at = (endpointUrl: string) =>
    requestUrl(findEndpoint({ ...NOTHING, connection: { endpointUrl } }), request).href;
  assert.equal(at('http://127.0.0.1:9000'), 'http://127.0.0.1:9000/bucket/a/b%2Bc');
  assert.equal(at('http://user:pw@host/s3/'), 'http://host/s3/bucket/a/b%2Bc');
  assert.equal(at('host:9000'), 'https://host:9000/bucket/a/b%2Bc');
  for (const wrong of ['ftp://host', 'http://user:hunter2@['])
    assert.throws(
      () => at(wrong),
      (error) => expectError('config')(error) && !String(error).includes('hunter2'),
    );
  assert.equal(
    requestUrl(findGoogleEndpoint({}), request).href,
    'https://storage.googleapis.com/bucket/a/b%2Bc',
  );
});

test('findEndpoint and findRegion go by the order of the tools', () => {
  const names = ['AWS_ENDPOINT_URL_S3', 'AWS_ENDPOINT_URL', 'S3_ENDPOINT_URL'] as const;
  const environment: Record<string, string> = Object.fromEntries(
    names.map((name) => [name, `http://${name}`]),
  );
  const sources = {
    connection: { endpointUrl: 'http://mirror' },
    environment,
    profile: { endpoint_url: 'http://file' },
  };
  assert.equal(findEndpoint(sources).name, 'mirror');
  for (const name of names) {
    assert.equal(findEndpoint({ ...sources, connection: {} }).name, name.toLowerCase());
    delete environment[name];
  }
  assert.equal(findEndpoint({ ...sources, connection: {} }).name, 'file');
  const regions = { AWS_REGION: 'a', AWS_DEFAULT_REGION: 'b' };
  assert.equal(findRegion({ ...NOTHING, environment: regions, profile: { region: 'c' } }), 'a');
  assert.equal(findRegion({ ...NOTHING, environment: { AWS_DEFAULT_REGION: 'b' } }), 'b');
  assert.equal(findRegion({ ...NOTHING, profile: { region: 'c' } }), 'c');
  assert.equal(findRegion(NOTHING), 'us-east-1');
});
