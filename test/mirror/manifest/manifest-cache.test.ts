import { ManifestCache } from '../../../src/mirror/manifest/manifest-cache.js';
import { inStores, testBuildCache } from '../build-cache-contract.js';

testBuildCache('ManifestCache', {
  options: { kind: 'manifest' },
  ...inStores({ open: (store) => new ManifestCache({ store }) }),
  // The checksum stands in the manifest, which is read as a whole.
  unusableChecksum: 'metadata-invalid',
});
