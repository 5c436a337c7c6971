// The config of an image (OCI image specification 1.1, "Image Configuration"): how it runs, and for a package its specfile (FORMATS.md §6).
import { encodeUtf8 } from '../../core/bytes.js';
import { asciiJson } from '../../spec/json/ascii-json.js';
import { parseJsonDocument } from '../../spec/json/json-document.js';
import { JsonFact } from '../../spec/json/json-fact.js';
import type { JsonObject } from '../../spec/spec.js';

export interface ImageConfig {
  /** Everything that it says. */
  readonly raw: JsonObject;
  /** Digests of the uncompressed layers. */
  readonly diffIds: readonly string[];
  /** `name=value` each. */
  readonly environment: readonly string[];
}

/** @throws MetadataError `metadata-syntax`, `metadata-invalid` */
export function parseImageConfig(bytes: Uint8Array, source: string): ImageConfig {
  const document = new JsonFact(parseJsonDocument(bytes, source), source);
  const diffIds = document.get('rootfs').get('diff_ids').items();
  const environment = document.find('config')?.find('Env');
  return {
    raw: document.object(),
    diffIds: diffIds.map((each) => each.text()),
    environment:
      environment === undefined || environment.value === null
        ? []
        : environment.items().map((each) => each.text()),
  };
}

/** The config that an image without a base begins with. */
export function emptyConfig(architecture: string): ImageConfig {
  const raw = {
    architecture,
    os: 'linux',
    rootfs: { type: 'layers', diff_ids: [] },
    config: { Env: [] },
  };
  return { raw, diffIds: [], environment: [] };
}

export interface NewConfig {
  readonly base: ImageConfig;
  /** Of the layers above those of the base. */
  readonly diffIds: readonly string[];
  readonly environment: readonly string[];
  /** JSON of an object whose properties are added: the specfile of a package. */
  readonly specfile: string | undefined;
}

/** Writes a config as Spack does: what the base has, with more in the same places. */
export function formatImageConfig({ base, diffIds, environment, specfile }: NewConfig): Uint8Array {
  const { rootfs, config } = base.raw;
  const text = asciiJson({
    ...base.raw,
    rootfs: { ...(rootfs as JsonObject), diff_ids: [...base.diffIds, ...diffIds] },
    config: { ...(config as JsonObject | undefined), Env: environment },
  });
  return encodeUtf8(specfile === undefined ? text : `${text.slice(0, -1)},${specfile.slice(1)}`);
}
