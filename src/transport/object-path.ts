// Checks object paths. They are built from specs, which come from outside.

import { MirrorError } from '../core/errors.js';

/**
 * Splits an object's path into its components.
 * @throws MirrorError `mirror-not-found` for a path that no store can hold: absolute, with `.` or `..`, with a NUL.
 */
export function splitObjectPath(path: string, root: string): readonly string[] {
  const components = path.split('/');
  if (components.every(isObjectName)) return components;
  throw new MirrorError(
    'mirror-not-found',
    `Cannot read "${path}" from "${root}": the path is not valid on any mirror`,
    {
      data: { path, mirror: root },
    },
  );
}

/** Whether a store can hold an object of this path. */
export function isObjectPath(path: string): boolean {
  return path.split('/').every(isObjectName);
}

function isObjectName(component: string): boolean {
  // Lone surrogates have no UTF-8 form, so neither file names nor URLs can contain them.
  return component !== '' && component !== '.' && component !== '..' && !/[\0\p{Surrogate}]/u.test(component);
}
