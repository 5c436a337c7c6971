// The private folder in which one package is put together before it appears under its prefix.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { removeTree } from '../../host/remove-tree.js';
import { storeIo } from '../store-io.js';
import { createPrivateFolder } from './private-folder.js';

/** A private folder on the file system of the store; nobody else sees what is in it. */
export class Stage {
  /** The folder itself, mode 0700. */
  readonly folder: string;
  /** Where the package's tree grows; renamed to the prefix in the end. */
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

  /** Path of a file of the stage beside the tree. */
  file(name: string): string {
    return join(this.folder, name);
  }

  /** Removes everything that was not renamed away; what cannot be removed now is left to the next run. */
  remove(): void {
    try {
      removeTree(this.folder);
    } catch {
      // An installation that worked has not failed by this, and one that failed has its own reason.
    }
  }
}
