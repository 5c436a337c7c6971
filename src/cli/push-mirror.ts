// The mirror a command writes to.
import { configuredMirrors } from '../config/configured-mirrors.js';
import type { Mirror } from '../mirror/build-cache.js';
import { type OpenMirrorOptions, openMirror } from '../mirror/open-mirror.js';
import { resolvePushMirror } from '../mirror/push-mirror.js';
import { requirePublisher } from '../mirror/require-publisher.js';

/**
 * Opens a mirror to write to.
 * @param options - the layout to publish in, that of a new mirror, and the view to write in place of the configured one
 * @throws UsageError `unknown-mirror`, `config`, `usage`; MirrorError `mirror-protocol`, `mirror-read-only`
 */
export async function openPushMirror(
  reference: string,
  options: Pick<OpenMirrorOptions, 'layout' | 'newLayout' | 'view'> = {},
): Promise<Mirror> {
  const { url, ...resolved } = resolvePushMirror(reference, await configuredMirrors(process.env));
  const view = options.view ?? resolved.view;
  const mirror = await openMirror(url, { ...options, ...resolved, view, environment: process.env });
  requirePublisher(mirror.cache);
  return mirror;
}
