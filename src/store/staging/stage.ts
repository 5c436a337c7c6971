// The private folder in which one package is built up before it appears at its prefix.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { removeTree } from '../../host/remove-tree.js';
import { storeIo } from '../store-io.js';
import { createPrivateFolder } from './private-folder.js';

/** A private folder on the file system of the store, invisible to others. */
export class Stage {
  /** The folder itself, mode 0700. */
  readonly folder: string;
  /** The package's tree, renamed to the prefix at the end. */
  readonly treeFolder: string;

  private constructor(folder: string) {
    this.folder = folder;
    this.treeFolder = join(folder, 'tree');
  }

  /**
   * Makes a stage for one attempt to install a package.
   * @throws StoreError `root-unusable`, `store-io`, `disk-full`
   */
  static create(storeRoot: string, hash: string): Stage {
    const stage = new Stage(createPrivateFolder(storeRoot, hash));
    storeIo('create', stage.treeFolder, () => mkdirSync(stage.treeFolder, { mode: 0o755 }));
    return stage;
  }

  /** Path of a file in the stage, next to the tree. */
  file(name: string): string {
    return join(this.folder, name);
  }

  /** Removes everything that was not renamed away; what cannot be removed is left to the next run. */
  remove(): void {
    try {
      removeTree(this.folder);
    } catch {
      // This does not make a successful installation fail, and a failed one has its own error.
    }
  }
}
