import { ManifestCache } from '../../../src/mirror/manifest/manifest-cache.js';
import { testBuildCache } from '../build-cache-contract.js';

testBuildCache('ManifestCache', {
  options: { kind: 'manifest' },
  open: (store) => new ManifestCache({ store }),
  // The checksum stands in the manifest, which is read as a whole.
  unusableChecksum: 'metadata-invalid',
});
