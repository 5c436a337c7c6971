// The mirror a command writes to.
import { configuredMirrors } from '../config/configured-mirrors.js';
import type { Mirror } from '../mirror/build-cache.js';
import { type OpenMirrorOptions, openMirror } from '../mirror/open-mirror.js';
import { resolvePushMirror } from '../mirror/push-mirror.js';
import { requirePublisher } from '../mirror/require-publisher.js';

/**
 * Opens a mirror to write to.
 * @param options - the layout to publish in, and that of a new mirror
 * @throws UsageError `unknown-mirror`, `config`; MirrorError `mirror-protocol`, `mirror-read-only`
 */
export async function openPushMirror(
  reference: string,
  options: Pick<OpenMirrorOptions, 'layout' | 'newLayout'> = {},
): Promise<Mirror> {
  const { url, ...resolved } = resolvePushMirror(reference, await configuredMirrors(process.env));
  const mirror = await openMirror(url, { ...options, ...resolved, environment: process.env });
  requirePublisher(mirror.cache);
  return mirror;
}
