// A GnuPG of its own for a test: an empty home in a temporary folder, short enough for the agent's socket.

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Why tests with gpg cannot run; false where they can. */
export const NO_GPG: string | false =
  spawnSync('gpg', ['--version']).status === 0 ? false : 'gpg is not installed';

export interface GpgAnswer {
  readonly status: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

export class GpgHome {
  readonly folder = mkdtempSync(join(tmpdir(), 'rg-gpg-'));
  readonly environment = { ...process.env, GNUPGHOME: this.folder, LC_ALL: 'C' };

  run(args: readonly string[], input?: Uint8Array): GpgAnswer {
    const { status, stdout, stderr } = spawnSync('gpg', ['--batch', '--yes', ...args], {
      env: this.environment,
      input: input ?? '',
      maxBuffer: 1 << 28,
    });
    return { status: status ?? -1, stdout, stderr: stderr.toString() };
  }

  /** Makes a key and returns its fingerprint. */
  makeKey(userId: string, algorithm: 'rsa2048' | 'ed25519' | 'nistp384', passphrase = ''): string {
    const answer = this.run([
      ...['--pinentry-mode', 'loopback', '--passphrase', passphrase, '--status-fd', '1'],
      ...['--quick-generate-key', userId, algorithm, 'sign', 'never'],
    ]);
    const fingerprint = /KEY_CREATED \w ([0-9A-F]+)/.exec(answer.stdout.toString())?.[1];
    if (fingerprint === undefined) throw new Error(answer.stderr);
    return fingerprint;
  }

  exportSecret(fingerprint: string, passphrase = ''): Buffer {
    const unlock = ['--pinentry-mode', 'loopback', '--passphrase', passphrase];
    return this.run([...unlock, '--armor', '--export-secret-keys', fingerprint]).stdout;
  }

  exportPublic(fingerprint: string): Buffer {
    return this.run(['--armor', '--export', fingerprint]).stdout;
  }

  import(key: Uint8Array): void {
    const { status, stderr } = this.run(['--import'], key);
    if (status !== 0) throw new Error(stderr);
  }

  write(name: string, content: Uint8Array | string): string {
    const file = join(this.folder, name);
    writeFileSync(file, content);
    return file;
  }

  /** Ends the agent of this home, and removes it. */
  remove(): void {
    try {
      execFileSync('gpgconf', ['--kill', 'all'], { env: this.environment, stdio: 'ignore' });
    } catch {
      // Without an agent there is nothing to end.
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}
