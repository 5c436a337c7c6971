// The mirror that a command writes to.

import { configuredMirrors } from '../config/configured-mirrors.js';
import type { Mirror } from '../mirror/mirror.js';
import { openMirror } from '../mirror/open-mirror.js';
import { resolvePushMirror } from '../mirror/push-mirror.js';
import { requireWritable } from '../mirror/writable-mirror.js';

/**
 * Opens a mirror to write to.
 * @throws UsageError `unknown-mirror`, `config`; MirrorError `mirror-protocol`, `mirror-read-only`
 */
export async function openPushMirror(reference: string): Promise<Mirror> {
  const { url, name, signed } = resolvePushMirror(reference, await configuredMirrors(process.env));
  return requireWritable(openMirror(url, { name, signed, environment: process.env }));
}
