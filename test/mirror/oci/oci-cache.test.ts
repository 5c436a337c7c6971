import { after, before } from 'node:test';
import { OciCache } from '../../../src/mirror/oci/oci-cache.js';
import { failingRepository, RegistryCaches } from '../../helpers/registry-caches.js';
import { testBuildCache } from '../build-cache-contract.js';

let caches: RegistryCaches;
before(async () => {
  caches = await RegistryCaches.start();
});
after(() => caches.close());

for (const layout of [1, 2, 3] as const)
  testBuildCache(`OciCache of layout ${layout}`, {
    options: { kind: 'oci', layoutVersion: layout === 3 ? 2 : layout },
    openFolder: (folder) => new OciCache({ repository: caches.open(folder), publishing: { layout } }),
    openFailing: async (folder, step, when) => {
      const { repository, hasFailed } = failingRepository(caches.open(folder), step, when);
      return { cache: new OciCache({ repository, publishing: { layout } }), hasFailed };
    },
  });
