// A program that gcc made, with a path in a C string: it moves to a longer prefix and runs there, by way of an alias.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, readlinkSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { runHere } from '../helpers/program-run.js';
import { temporaryFolder } from '../store/temporary-folder.js';

const OLD = '/old/store/of/a/name/that/has/room/for/most/temporary/folders/hello';

const PROGRAM = `#include <stdio.h>
int main(void) {
  char line[200];
  FILE *file = fopen("${OLD}/share/greeting", "r");
  if (file == NULL || fgets(line, sizeof line, file) == NULL) return 3;
  fputs(line, stdout);
  return 0;
}
`;

const hasCompiler = process.platform === 'linux' && spawnSync('gcc', ['--version']).status === 0;

describe('an alias of a prefix', { skip: hasCompiler ? false : 'gcc is not installed' }, () => {
  it('leads a program to its files where the prefix itself has no room', async (test) => {
    const folder = realpathSync(temporaryFolder(test));
    const prefix = join(folder, 'a/prefix/that/is/much/longer/than/the/old/one/was/or/will/ever/be/hello');
    mkdirSync(join(prefix, 'bin'), { recursive: true });
    mkdirSync(join(prefix, 'share'));
    writeFileSync(join(prefix, 'share', 'greeting'), 'hello from afar\n');
    writeFileSync(join(folder, 'hello.c'), PROGRAM);
    const program = join(prefix, 'bin', 'hello');
    execFileSync('gcc', [`-Wl,-rpath,${OLD}/lib`, '-o', program, join(folder, 'hello.c')]);
    const before = readFileSync(program);
    const map = ['relocate', prefix, '--map', `${OLD}=${prefix}`];

    const refused = await runHere(map, { folder });
    assert.equal(refused.exitCode, 1);
    assert.match(
      refused.err,
      /bin\/hello.*\/share\/greeting" at byte \d+; the longest prefix .* has \d+ bytes/,
    );
    assert.match(refused.err, /--alias/);
    assert.ok(readFileSync(program).equals(before));

    const alias = join(folder, 's');
    const done = await runHere([...map, '--alias', `${prefix}=${alias}`], { folder });
    assert.equal(done.exitCode, 0, done.err);
    assert.equal(readlinkSync(alias), prefix);
    assert.equal(execFileSync(program, { encoding: 'utf8' }), 'hello from afar\n');
    assert.ok(readFileSync(program).includes(`${prefix}/lib\0`), 'the rpath has the prefix itself');
    assert.ok(!readFileSync(program).includes(OLD));
  });
});
