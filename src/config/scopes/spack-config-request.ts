// Whose configuration is read.
import type { Environment } from '../../host/environment.js';

export interface SpackConfigRequest {
  /** The prefix of the Spack. */
  readonly spackPrefix: string;
  readonly environment: Environment;
  readonly homeFolder: string;
}
