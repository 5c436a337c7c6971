// Writes objects into an archive that is being made: they are kept apart until they are complete, then appended.
import { dirname } from 'node:path';
import type { WithSignal } from '../../core/with-signal.js';
import { writeError } from '../file/errors.js';
import { splitObjectPath } from '../object-path.js';
import type {
  BeginOptions,
  CommitCondition,
  ObjectFacts,
  ObjectWriter,
  PendingObject,
} from '../object-store.js';
import type { ArchiveDraft } from './draft.js';
import { MemberSpool } from './member-spool.js';

export class ArchiveWriter implements ObjectWriter {
  readonly #draft: ArchiveDraft;

  constructor(draft: ArchiveDraft) {
    this.#draft = draft;
  }

  async begin({ path, isRepeatable = false, signal }: BeginOptions = {}): Promise<PendingObject> {
    signal?.throwIfAborted();
    if (path !== undefined) splitObjectPath(path, this.#draft.location);
    return new PendingMember(this.#draft, isRepeatable);
  }

  async remove(path: string, { signal }: WithSignal = {}): Promise<void> {
    signal?.throwIfAborted();
    splitObjectPath(path, this.#draft.location);
    await this.#draft.remove(path);
  }
}

class PendingMember implements PendingObject {
  readonly #draft: ArchiveDraft;
  readonly #isRepeatable: boolean;
  readonly #spool: MemberSpool;
  #state: 'writing' | 'committed' | 'done' = 'writing';

  constructor(draft: ArchiveDraft, isRepeatable: boolean) {
    this.#draft = draft;
    this.#isRepeatable = isRepeatable;
    this.#spool = new MemberSpool(dirname(draft.location));
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.#state !== 'writing') throw finished();
    await this.#spool.append(bytes).catch(async (cause: unknown) => {
      await this.discard();
      throw writeError(this.#draft.location, cause);
    });
  }

  /** Only the finished archive is durable. */
  async prepare(): Promise<void> {
    if (this.#state !== 'writing') throw finished();
  }

  async commit(path: string, condition?: CommitCondition): Promise<ObjectFacts> {
    if (this.#state === 'done') throw finished();
    this.#state = 'committed';
    try {
      splitObjectPath(path, this.#draft.location);
      return await this.#draft.append({ path, bytes: this.#spool, condition });
    } finally {
      if (!this.#isRepeatable) await this.discard();
    }
  }

  async discard(): Promise<void> {
    this.#state = 'done';
    await this.#spool.close();
  }
}

function finished(): TypeError {
  return new TypeError('The object is finished already');
}
