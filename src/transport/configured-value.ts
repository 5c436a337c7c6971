// A value of a mirror's configuration that is there, or in a variable that the configuration names.
import { UsageError } from '../core/errors.js';
import type { Environment } from '../host/environment.js';

/**
 * The value of the variable; undefined where none is named.
 * @throws UsageError `config` for a variable that is not set.
 */
export function configuredVariable(name: string | undefined, environment: Environment): string | undefined {
  if (name === undefined || name === '') return undefined;
  const value = environment[name];
  if (value !== undefined && value !== '') return value;
  throw new UsageError('config', `Cannot log in to a mirror: the variable "${name}" is not set`, {
    hint: 'mirrors.yaml names the variables that hold the keys of a mirror',
    data: { variable: name },
  });
}
