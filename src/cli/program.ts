// The program: global options, the commands, help.
import { Command, CommanderError, Option } from 'commander';
import { addFindCommand } from './commands/find.js';
import { addInspectCommand } from './commands/inspect.js';
import { addInstallCommand } from './commands/install.js';
import { addListCommand } from './commands/list.js';
import { addPushCommand } from './commands/push.js';
import { Console, type Sink } from './console.js';
import { EXIT, exitCodeOf } from './exit-code.js';
import { createRun, type GlobalFlags, jsonMode } from './run.js';

export interface ProgramOptions {
  readonly version: string;
  readonly out: Sink;
  readonly err: Sink;
}

/**
 * Runs the command line.
 * @param args without the program's name
 * @returns the exit code
 */
export async function runProgram(args: readonly string[], options: ProgramOptions): Promise<number> {
  const { out, err, version } = options;
  let exitCode: number = EXIT.done;
  const program = new Command('regraft');
  const run = createRun({
    out,
    err,
    globalFlags: () => program.opts<GlobalFlags>(),
    setExitCode: (code) => {
      exitCode = code;
    },
  });
  program
    .description("Installs and publishes Spack's prebuilt packages")
    .version(version)
    .exitOverride()
    .configureOutput({ writeOut: (text) => out.write(text), writeErr: (text) => err.write(text) })
    .showHelpAfterError('(regraft --help lists the commands and options)');
  for (const add of [addInstallCommand, addPushCommand, addListCommand, addFindCommand, addInspectCommand])
    add(program, run);
  for (const command of program.commands) addGlobalOptions(command.exitOverride());
  addGlobalOptions(program);
  try {
    await program.parseAsync(withJsonForm(args), { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    const form = withJsonForm(args).find((arg) => arg.startsWith('--json='));
    new Console({ out, err, json: jsonMode(form?.slice('--json='.length)), fullPaths: false }).error(error);
    return exitCodeOf(error);
  }
  return exitCode;
}

/** `--json` takes its form behind an equals sign only, so that a spec can follow it. */
function withJsonForm(args: readonly string[]): string[] {
  const end = args.includes('--') ? args.indexOf('--') : args.length;
  return args.map((arg, i) => (arg === '--json' && i < end ? '--json=document' : arg));
}

function addGlobalOptions(command: Command): void {
  command
    .addOption(
      new Option('--json [form]', 'print one JSON document, or with "lines" an event per line').choices([
        'document',
        'lines',
      ]),
    )
    .option('--full-paths', 'do not abbreviate the padding of padded roots');
}
