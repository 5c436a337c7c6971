// Who is believed when metadata is read.
import type { WithSignal } from '../core/with-signal.js';

/** Who is believed. Given by operations, made of signature/, so that a layout may read a signed text in the middle of its work. */
export interface Trust {
  /**
   * The text of a clearsigned file: verified where signatures are required, else taken out of its frame.
   * @throws SignatureError
   */
  open(
    bytes: Uint8Array,
    location: string,
  ): Promise<{ readonly text: Uint8Array; readonly isVerified: boolean }>;
  /**
   * Verifies a detached signature, where signatures are required.
   * @throws SignatureError, also `signature-missing` where there is none
   */
  openDetached(
    text: Uint8Array,
    signature: Uint8Array | undefined,
    location: string,
  ): Promise<{ readonly isVerified: boolean }>;
  /** Whether signatures are required. */
  readonly isRequired: boolean;
}

export interface DescribeOptions extends WithSignal {
  readonly trust: Trust;
}
