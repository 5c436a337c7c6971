// `regraft mirror migrate`, killed at random moments and started again: the result is that of a run that nobody disturbed, and the source
// has lost nothing. REGRAFT_KILLS: how often (10 by default); REGRAFT_PROGRAM: the program to run.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { extractClearsigned } from '../../src/signature/clearsign/clearsign.js';
import { MAIN, type ProgramResult, programEnvironment, resultOf } from '../helpers/program-run.js';
import { SeededRandom } from '../helpers/seeded-random.js';
import { FIXTURES, PUBLIC_KEY } from '../operations/mirror/migrate-run.js';
import { temporaryFolder } from '../store/temporary-folder.js';

const KILLS = Number(process.env.REGRAFT_KILLS ?? 10);
const SEED = Number(process.env.REGRAFT_SEED ?? 12);
const PROGRAM = process.env.REGRAFT_PROGRAM ?? MAIN;
const SECRET_KEY = join(FIXTURES, 'keys', 'fixture-key.secret.asc');
const SIGNED = ['--key', SECRET_KEY, '--keyring', PUBLIC_KEY];

interface Kind {
  readonly cache: string;
  readonly isInPlace: boolean;
  readonly options: readonly string[];
}

const KINDS: Readonly<Record<string, Kind>> = {
  'layout 0 to another mirror, signed anew': { cache: 'layout0-signed', isInPlace: false, options: SIGNED },
  'layout 1 in place, signed anew': { cache: 'unpadded-signed', isInPlace: true, options: SIGNED },
  'layout 1 in place, unsigned': { cache: 'padded-unsigned', isInPlace: true, options: ['--unsigned'] },
  'layout 0 in place, and the old removed': {
    cache: 'layout0-signed',
    isInPlace: true,
    options: [...SIGNED, '--delete-old'],
  },
  'layout 1 in place, and the old removed': {
    cache: 'unpadded-signed',
    isInPlace: true,
    options: [...SIGNED, '--delete-old'],
  },
};

/** Every file of a folder; of a signed one only the text, since each signature has its time. */
function contentOf(folder: string): ReadonlyMap<string, string> {
  if (!existsSync(folder)) return new Map();
  const paths = (readdirSync(folder, { recursive: true }) as string[]).sort();
  const files = paths.filter((path) => statSync(join(folder, path)).isFile());
  return new Map(files.map((path) => [path, textOf(readFileSync(join(folder, path)), path)]));
}

function textOf(bytes: Buffer, path: string): string {
  const isSigned = bytes.toString('latin1', 0, 10) === '-----BEGIN' && path.endsWith('.manifest.json');
  return Buffer.from(isSigned ? extractClearsigned(bytes, path) : bytes).toString('latin1');
}

class Migration {
  readonly #kind: Kind;
  readonly #home: string;
  readonly source: string;
  readonly destination: string;

  constructor(t: TestContext, kind: Kind) {
    this.#kind = kind;
    this.#home = temporaryFolder(t);
    this.source = join(this.#home, 'source');
    this.destination = kind.isInPlace ? this.source : join(this.#home, 'destination');
    cpSync(join(FIXTURES, 'caches', kind.cache), this.source, { recursive: true });
  }

  /** Runs it; for so many milliseconds, if that is given. */
  run(most?: number): Promise<ProgramResult> {
    const places = this.#kind.isInPlace ? [this.source] : [this.source, this.destination];
    const program = [process.execPath, PROGRAM, 'mirror', 'migrate', ...places, ...this.#kind.options];
    const limit = most === undefined ? [] : ['timeout', '--foreground', '-s', 'KILL', `${most / 1000}`];
    const [command = '', ...parameters] = [...limit, ...program];
    return resultOf(spawn(command, parameters, { env: programEnvironment(this.#home) }));
  }

  async check(): Promise<ProgramResult> {
    const program = [PROGRAM, 'mirror', 'check', this.destination, '--deep'];
    const trust = this.#kind.options.includes('--unsigned')
      ? ['--no-check-signature']
      : ['--keyring', PUBLIC_KEY];
    return resultOf(spawn(process.execPath, [...program, ...trust], { env: programEnvironment(this.#home) }));
  }
}

const isMissing = spawnSync('timeout', ['1', 'true']).status !== 0 && 'there is no command "timeout"';

describe('a migration that is killed and started again', { skip: isMissing }, () => {
  const kinds = Object.entries(KINDS);
  for (const [number, [title, kind]] of kinds.entries()) {
    const isThere = existsSync(join(FIXTURES, 'caches', kind.cache));
    test(title, { skip: !isThere && 'there are no fixtures' }, async (t) => {
      const whole = new Migration(t, kind);
      const sourceBefore = contentOf(join(whole.source, 'build_cache'));
      const begin = performance.now();
      const first = await whole.run();
      let duration = performance.now() - begin;
      assert.equal(first.exitCode, 0, first.err);
      const expected = contentOf(whole.destination);
      const random = new SeededRandom(SEED + number);
      let killed = 0;
      // On a busy machine the first run may take far longer than others, so that none of them would be killed.
      const most = KILLS + 10 * kinds.length;
      for (let round = number; round < KILLS || (killed === 0 && round < most); round += kinds.length) {
        const migration = new Migration(t, kind);
        // What is removed is removed at the end.
        const earliest = kind.options.includes('--delete-old') ? 700 : 0;
        const moment = Math.round(random.between(earliest, 1000) * (duration / 1000));
        const started = performance.now();
        const { exitCode } = await migration.run(Math.max(moment, 1));
        if (exitCode !== 0) killed++;
        else duration = Math.min(duration, performance.now() - started);
        const isOldThere = contentOf(join(migration.source, 'build_cache'));
        if (!kind.options.includes('--delete-old')) assert.deepEqual(isOldThere, sourceBefore);
        const again = await migration.run();
        assert.equal(again.exitCode, 0, `killed after ${moment} ms: ${again.err}`);
        const content = contentOf(migration.destination);
        const paths = new Set([...content.keys(), ...expected.keys()]);
        const other = [...paths].filter((path) => content.get(path) !== expected.get(path));
        assert.deepEqual(other, [], `killed after ${moment} ms`);
        const checked = await migration.check();
        assert.equal(checked.exitCode, 0, checked.out + checked.err);
      }
      t.diagnostic(`${killed} runs were killed, of ${Math.round(duration)} ms`);
      assert.ok(KILLS < kinds.length || killed > 0, 'nothing was killed');
    });
  }
});
