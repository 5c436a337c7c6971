// Lists the members of an archive as a bucket would list them.
import type { ListedObject, ListOptions, ObjectLister } from '../object-store.js';
import type { ArchiveSource } from './archive-file.js';
import { afterFolder, type MemberTable } from './member-table.js';

export class ArchiveLister implements ObjectLister {
  readonly #source: ArchiveSource;

  constructor(source: ArchiveSource) {
    this.#source = source;
  }

  async *list(folder: string, options: ListOptions = {}): AsyncIterable<ListedObject> {
    options.signal?.throwIfAborted();
    const members = await this.#source.members();
    for (const listed of below(members, folder, options)) {
      options.signal?.throwIfAborted();
      yield listed;
    }
  }
}

function* below(
  members: MemberTable,
  folder: string,
  { isRecursive = false, withFolders = false }: ListOptions,
): Iterable<ListedObject> {
  const prefix = folder === '' ? '' : `${folder}/`;
  const paths = members.paths();
  let i = members.lowerBound(prefix);
  for (let path = paths[i]; path?.startsWith(prefix); path = paths[i]) {
    const slash = path.indexOf('/', prefix.length);
    const member = members.get(path);
    if (isRecursive || slash < 0) {
      i++;
      if (member !== undefined) yield { path, size: member.size, modified: member.modified };
    } else {
      const subfolder = path.slice(0, slash);
      i = members.lowerBound(afterFolder(subfolder));
      if (withFolders) yield { path: `${subfolder}/`, size: undefined, modified: undefined };
    }
  }
}
