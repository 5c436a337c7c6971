// Where a copy of a mirror is written: a mirror, or an archive, which appears when everything is in it.
import type { BuildCache, Mirror, PublishedLayout } from '../../mirror/build-cache.js';
import { openMirrorIn } from '../../mirror/open-mirror.js';
import { openArchiveForWriting } from '../../transport/archive/writable-archive.js';
import { openPushMirror, pushViewOf } from './push-mirror.js';

export interface SyncPlace {
  /** Of a mirror, as typed. */
  readonly reference: string | undefined;
  /** Path of an archive, in place of a mirror. */
  readonly archive: string | undefined;
  readonly layout: PublishedLayout | undefined;
  /** Of a new mirror. */
  readonly newLayout: PublishedLayout;
}

export interface SyncDestination {
  readonly mirror: Mirror;
  /** The view that is configured for it. */
  readonly view: string | undefined;
  openView(view: string): Promise<Mirror>;
  /** Puts an archive in its place. */
  finish(): Promise<void>;
  /** Closes everything that was opened; an archive that was not finished is dropped. */
  close(): Promise<void>;
}

/** Errors as `openPushMirror` and `openArchiveForWriting`. */
export async function openSyncDestination(place: SyncPlace): Promise<SyncDestination> {
  const { reference, archive } = place;
  if (archive !== undefined) return openArchive(archive, place);
  return openPlace(reference ?? '', place);
}

async function openPlace(reference: string, { layout, newLayout }: SyncPlace): Promise<SyncDestination> {
  const mirror = await openPushMirror(reference, { layout, newLayout, view: '' });
  const opened: BuildCache[] = [mirror.cache];
  return {
    mirror,
    view: await pushViewOf(reference),
    openView: async (view) => {
      const viewed = await openPushMirror(reference, { layout: 3, view });
      opened.push(viewed.cache);
      return viewed;
    },
    finish: async () => {},
    close: async () => {
      for (const cache of opened) await cache.close?.();
    },
  };
}

async function openArchive(path: string, { layout, newLayout }: SyncPlace): Promise<SyncDestination> {
  const store = await openArchiveForWriting(path);
  try {
    return {
      mirror: await openMirrorIn(store, { layout, newLayout }),
      view: undefined,
      openView: (view) => openMirrorIn(store, { layout: 3, view }),
      finish: () => store.finish(),
      close: () => store.close(),
    };
  } catch (error) {
    await store.close();
    throw error;
  }
}
