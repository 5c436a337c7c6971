// The names of the files in a store's database folder. FORMATS.md §2 "Store database", "Locks"; DESIGN.md §4.
import { join } from 'node:path';

/** The paths of one store, by its root. */
export class StorePaths {
  readonly root: string;
  readonly databaseFolder: string;
  readonly index: string;
  readonly verifier: string;
  readonly databaseLock: string;
  readonly prefixLock: string;
  /** Spack's locks and marks for failed packages; it expects them even where it may not write. */
  readonly failuresLock: string;
  readonly failures: string;
  /** The private folder of regraft. */
  readonly privateFolder: string;

  constructor(root: string) {
    this.root = root;
    this.databaseFolder = join(root, '.spack-db');
    this.index = join(this.databaseFolder, 'index.json');
    this.verifier = join(this.databaseFolder, 'index_verifier');
    this.databaseLock = join(this.databaseFolder, 'lock');
    this.prefixLock = join(this.databaseFolder, 'prefix_lock');
    this.failuresLock = join(this.databaseFolder, 'prefix_failures');
    this.failures = join(this.databaseFolder, 'failures');
    this.privateFolder = join(this.databaseFolder, 'regraft');
  }
}
