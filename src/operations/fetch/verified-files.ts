// The files of a package, to be copied as they are. What is signed inside of an archive (layout 0) is verified first; the resulting digest
// ensures that the next fetch gets the same bytes.
import type { StoredFile } from '../../mirror/build-cache.js';
import { readVerified } from '../../transport/read-verified.js';
import { type TarballUse, withTarball } from './with-tarball.js';

export type VerifiedFilesRequest = Omit<TarballUse<never>, 'use'>;

/** The tarball first, the metadata last. Errors as `PackageDescription.unwrap`. */
export async function verifiedFiles(request: VerifiedFilesRequest): Promise<readonly StoredFile[]> {
  const { description, signal } = request;
  if (description.unwrap === undefined) return description.files;
  return withTarball({
    ...request,
    use: async ({ tarball, files }) => {
      await readVerified({ open: () => tarball.open({ signal }), sha256: tarball.sha256, signal });
      return files;
    },
  });
}
