// A bucket of the fake server, opened as a mirror would be.
import type { TestContext } from 'node:test';
import { BuildcacheError, type ErrorCode } from '../../../src/core/errors.js';
import type { ObjectStore } from '../../../src/transport/object-store.js';
import { type OpenStoreOptions, openObjectStore } from '../../../src/transport/open-store.js';
import { FakeS3, type FakeS3Options } from '../../helpers/fake-s3.js';
import { recordingRetry } from '../http/recording-retry.js';

export interface FakePlace {
  readonly fake: FakeS3;
  readonly store: ObjectStore;
  /** Opens the bucket once more. */
  open(options?: OpenStoreOptions): ObjectStore;
}

export async function fakePlace(t: TestContext, options: FakeS3Options = {}): Promise<FakePlace> {
  const fake = await FakeS3.start(options);
  const opened: ObjectStore[] = [];
  const open: FakePlace['open'] = (given = {}) => {
    const defaults = { environment: fake.environment, retry: recordingRetry(3) };
    const store = openObjectStore('s3://bucket/pre/fix', { ...defaults, ...given });
    opened.push(store);
    return store;
  };
  t.after(async () => {
    await Promise.all(opened.map((store) => store.close?.()));
    await fake.close();
  });
  return { fake, store: open(), open };
}

export function expectError(code: ErrorCode, message = /./): (error: unknown) => boolean {
  return (error) => error instanceof BuildcacheError && error.code === code && message.test(error.message);
}

/** Without some of the variables, or with others. */
export function changed(
  environment: Readonly<Record<string, string>>,
  changes: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string | undefined>> {
  return { ...environment, ...changes };
}
