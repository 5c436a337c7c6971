// A repository of the fake registry, opened as a mirror would be.
import type { TestContext } from 'node:test';
import { BuildcacheError, type ErrorCode } from '../../../src/core/errors.js';
import { openRepository } from '../../../src/transport/oci/open-repository.js';
import type { Repository } from '../../../src/transport/oci/repository.js';
import type { OpenStoreOptions } from '../../../src/transport/open-store.js';
import { FakeRegistry, type FakeRegistryOptions } from '../../helpers/fake-registry.js';
import { temporaryFolder } from '../../store/temporary-folder.js';
import { recordingRetry } from '../http/recording-retry.js';

export interface FakePlace {
  readonly fake: FakeRegistry;
  readonly repository: Repository;
  /** Opens it once more, or another one. */
  open(options?: OpenStoreOptions, name?: string): Repository;
}

export const NAME = 'some/cache';

export async function fakePlace(t: TestContext, options: FakeRegistryOptions = {}): Promise<FakePlace> {
  const fake = await FakeRegistry.start(options);
  const home = temporaryFolder(t);
  const opened: Repository[] = [];
  const open: FakePlace['open'] = (given = {}, name = NAME) => {
    const defaults = { environment: { HOME: home }, retry: recordingRetry(3) };
    const repository = openRepository(fake.url(name), { ...defaults, ...given });
    opened.push(repository);
    return repository;
  };
  t.after(async () => {
    await Promise.all(opened.map((repository) => repository.close()));
    await fake.close();
  });
  return { fake, repository: open(), open };
}

export function expectError(code: ErrorCode, message = /./): (error: unknown) => boolean {
  return (error) => error instanceof BuildcacheError && error.code === code && message.test(error.message);
}
