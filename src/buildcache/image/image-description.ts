// How an image is described (annotation `org.opencontainers.image.description`): Spack's text of its package, `Spec.format`.
import { formatNode } from '../../spec/format.js';
import type { Spec } from '../../spec/spec.js';
import { formatFlags, formatVariants } from '../../spec/variants.js';

export const DESCRIPTION = 'org.opencontainers.image.description';

const CLASSIC_FORMAT =
  '{name}{@versions}{%compiler.name}{@compiler.versions}{compiler_flags}{variants}{arch=architecture}';

/** @param isSpack1 - whether it is written as Spack 1.x does. */
export function describeImage({ root, nodes }: Spec, { isSpack1 }: { readonly isSpack1: boolean }): string {
  if (!isSpack1) return formatNode(CLASSIC_FORMAT, root, { nodes });
  const { platform, os, target } = root.arch;
  const variants = formatVariants(root, { listSign: ':=' });
  const text = `${formatNode('{name}{@versions}', root)}${formatFlags(root)}${variants}`;
  return `${text} platform=${platform} os=${os} target=${target}`.trim();
}
