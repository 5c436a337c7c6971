// The mirror a command writes to, and the layout of what is written.
import { Option } from 'commander';
import { configuredMirrors } from '../../config/configured-mirrors.js';
import type { Mirror } from '../../mirror/build-cache.js';
import { type OpenMirrorOptions, openMirror, type PublishedLayout } from '../../mirror/open-mirror.js';
import { resolvePushMirror } from '../../mirror/push-mirror.js';
import { requirePublisher } from '../../mirror/require-publisher.js';

export interface LayoutFlags {
  readonly layout?: '1' | '2' | '3';
}

const LAYOUT_OPTION =
  "layout to publish in (default: the mirror's, of a new mirror that of the store's Spack)";

export function layoutOption(description = LAYOUT_OPTION): Option {
  return new Option('--layout <version>', description).choices(['1', '2', '3']);
}

export function layoutOf({ layout }: LayoutFlags): PublishedLayout | undefined {
  const layouts = { 1: 1, 2: 2, 3: 3 } as const;
  return layout && layouts[layout];
}

/** The view that is configured for what is written to a mirror. Errors as `openPushMirror`. */
export async function pushViewOf(reference: string): Promise<string | undefined> {
  return resolvePushMirror(reference, await configuredMirrors(process.env)).view;
}

/**
 * Opens a mirror to write to.
 * @param options - the layout to publish in, that of a new mirror, the view to write in place of the configured one, and a base image
 * @throws UsageError `unknown-mirror`, `config`, `usage`; MirrorError `mirror-protocol`, `mirror-read-only`
 */
export async function openPushMirror(
  reference: string,
  options: Pick<OpenMirrorOptions, 'layout' | 'newLayout' | 'view' | 'baseImage'> = {},
): Promise<Mirror> {
  const { url, ...resolved } = resolvePushMirror(reference, await configuredMirrors(process.env));
  const view = options.view ?? resolved.view;
  const mirror = await openMirror(url, { ...options, ...resolved, view, environment: process.env });
  requirePublisher(mirror.cache);
  return mirror;
}
