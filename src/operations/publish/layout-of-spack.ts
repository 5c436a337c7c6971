// The layout that a store's own Spack writes: what a new mirror gets.
import type { PublishedLayout } from '../../mirror/open-mirror.js';
import type { DatabaseVersion } from '../../store/database/database-file.js';

const LAYOUTS: Readonly<Record<DatabaseVersion, PublishedLayout>> = { 5: 1, 6: 1, 7: 2, 8: 3 };

/** The layout that the Spack writes whose stores have databases of a version. */
export function layoutOfSpack(databaseVersion: DatabaseVersion): PublishedLayout {
  return LAYOUTS[databaseVersion];
}
