import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { SBANG_SCRIPT } from '../../../src/store/root/sbang-script.js';
import { temporaryFolder } from '../temporary-folder.js';

const SHELLS = ['/bin/sh', '/bin/dash', '/bin/bash', '/bin/busybox'].filter((path) => existsSync(path));
const FIRST = '#!/bin/sh /store/bin/sbang\n';

interface Run {
  readonly shell: string;
  readonly content: string | Buffer;
  readonly debug?: boolean;
  readonly name?: string;
  readonly shellOptions?: readonly string[];
}

function run(
  context: TestContext,
  { shell, content, debug = true, name = 'my script', shellOptions = [] }: Run,
) {
  const folder = temporaryFolder(context);
  const sbang = join(folder, 'sb ang');
  writeFileSync(sbang, SBANG_SCRIPT);
  writeFileSync(join(folder, name), content);
  writeFileSync(join(folder, 'print'), '#!/bin/sh\nfor word in "$@"; do printf "<%s>" "$word"; done\n');
  chmodSync(join(folder, 'print'), 0o755);
  const applet = shell.endsWith('busybox') ? ['sh'] : [];
  const environment: NodeJS.ProcessEnv = { ...process.env, PATH: `${folder}:${process.env.PATH}` };
  delete environment.SBANG_DEBUG;
  if (debug) environment.SBANG_DEBUG = '1';
  const result = spawnSync(shell, [...applet, ...shellOptions, sbang, name, 'a  b', '*', ''], {
    cwd: folder,
    env: environment,
    encoding: 'utf8',
  });
  return { status: result.status, output: result.stdout, errors: result.stderr };
}

const COMMANDS: readonly (readonly [title: string, content: string, command: string])[] = [
  ['takes the second line', `${FIRST}#!/opt/bin/python3 -u\n`, '/opt/bin/python3 -u'],
  ['takes the first line where the second is none', '#!/opt/bin/python3\nimport x\n', '/opt/bin/python3'],
  ['needs no final newline', `${FIRST}#!/opt/bin/python3`, '/opt/bin/python3'],
  ['skips blanks', `${FIRST}#! \t /opt/bin/python3   -u\t-v \n`, '/opt/bin/python3 -u -v'],
  ['reads the form for node', `${FIRST}//!/opt/bin/node --flag\n`, '/opt/bin/node --flag'],
  ['reads the form for lua', `${FIRST}--!/opt/bin/lua\n`, '/opt/bin/lua'],
  ['reads the form for luajit', `${FIRST}--!/opt/bin/luajit -j\n`, '/opt/bin/luajit -j'],
  ['reads the form for php', `${FIRST}<?php #!/opt/bin/php -n\n ?><?php echo 1;\n`, '/opt/bin/php -n'],
  ['cuts the end of php on the same line', `${FIRST}<?php #!/opt/bin/php -n ?>\n`, '/opt/bin/php -n'],
  ['lets perl skip to its line', `${FIRST}#!/opt/bin/perl -w\n`, '/opt/bin/perl -w -x'],
  ['lets a perl with a version skip too', `${FIRST}#!/opt/bin/perl5.36.0\n`, '/opt/bin/perl5.36.0 -x'],
  ['lets ruby skip to its line', `${FIRST}#!/opt/bin/ruby\n`, '/opt/bin/ruby -x'],
  ['knows perl behind env', `${FIRST}#!/usr/bin/env perl\n`, '/usr/bin/env perl -x'],
  ['knows ruby behind env', `${FIRST}#!/usr/bin/env ruby -w\n`, '/usr/bin/env ruby -w -x'],
  ['takes other names as they are', `${FIRST}#!/opt/perl/bin/jruby\n`, '/opt/perl/bin/jruby'],
  ['expands nothing', `${FIRST}#!/opt/bin/x $HOME \`id\` * ~ \\n\n`, '/opt/bin/x $HOME `id` * ~ \\n'],
];

for (const shell of SHELLS) {
  for (const [title, content, command] of COMMANDS) {
    test(`sbang ${title} (${shell})`, (context) => {
      for (const shellOptions of [[], ['-e'], ['-eu']]) {
        const { status, output, errors } = run(context, { shell, content, shellOptions });
        assert.equal(errors, '');
        assert.equal(output, `${command} my script a  b * \n`);
        assert.equal(status, 0);
      }
    });
  }

  test(`sbang runs the interpreter with the script and its arguments, blanks and all (${shell})`, (context) => {
    const content = `${FIRST}#!/usr/bin/env print one  two *\nexit 3\n`;
    const { status, output, errors } = run(context, { shell, content, debug: false });
    assert.equal(errors, '');
    assert.equal(output, '<one><two><*><my script><a  b><*><>');
    assert.equal(status, 0);
  });

  test(`sbang passes the exit status on (${shell})`, (context) => {
    const { status } = run(context, { shell, content: `${FIRST}#!/bin/sh -e\nexit 7\n`, debug: false });
    assert.equal(status, 7);
  });

  test(`sbang fails without an interpreter (${shell})`, (context) => {
    const contents = [
      '',
      '\n\n',
      'echo\necho\n#!/bin/sh\n',
      '#!\n#!  \n',
      '<?php echo 1;\n',
      ' #!/bin/sh\n',
      '/!x\n',
      '#!/usr/bin/env\n',
    ];
    for (const content of contents) {
      const { status, output, errors } = run(context, { shell, content });
      assert.equal(status, 1, JSON.stringify(content));
      assert.equal(output, '');
      assert.match(errors, /^sbang: error: .*my script\n$/);
    }
  });

  test(`sbang refuses to run itself (${shell})`, (context) => {
    for (const line of [
      '#!/store/bin/sbang',
      '#!/usr/bin/env sbang',
      '#!/bin/sh /store/bin/sbang',
      '//!sbang x',
    ]) {
      const { status, errors } = run(context, { shell, content: `${FIRST}${line}\n`, debug: false });
      assert.equal(status, 1, line);
      assert.match(errors, /^sbang: error: refusing/);
    }
  });

  test(`sbang reads binary content without harm (${shell})`, (context) => {
    const content = Buffer.concat([
      Buffer.from(FIRST),
      Buffer.from([0x23, 0x21, 0xff, 0xfe, 0x0a]),
      Buffer.alloc(5000, 0x80),
    ]);
    const { status } = run(context, { shell, content });
    assert.equal(status, 0);
  });
}

test('sbang fails for what is no regular file', (context) => {
  const folder = temporaryFolder(context);
  const sbang = join(folder, 'sbang');
  writeFileSync(sbang, SBANG_SCRIPT);
  mkdirSync(join(folder, 'folder'));
  for (const script of [[], ['missing'], ['folder'], [''], ['-e']]) {
    const { status, stderr } = spawnSync('/bin/sh', [sbang, ...script], { cwd: folder, encoding: 'utf8' });
    assert.equal(status, 1, script.join());
    assert.notEqual(stderr, '');
  }
});
