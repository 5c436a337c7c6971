// The program: global options, the commands, help.
import { Command, CommanderError, Option } from 'commander';
import { Console, type Sink } from './console.js';
import { EXIT, exitCodeOf } from './exit-code.js';
import { type CommandRun, createRun, type GlobalFlags, jsonMode } from './run.js';

type AddCommand = (program: Command, run: CommandRun) => void;

/** In the order of the help. A command is loaded when it is used: loading all of them takes half of the startup time. */
const COMMANDS: Readonly<Record<string, () => Promise<AddCommand>>> = {
  install: async () => (await import('./commands/install.js')).addInstallCommand,
  push: async () => (await import('./commands/push.js')).addPushCommand,
  list: async () => (await import('./commands/list.js')).addListCommand,
  find: async () => (await import('./commands/find.js')).addFindCommand,
  index: async () => (await import('./commands/index.js')).addIndexCommand,
  keys: async () => (await import('./commands/keys.js')).addKeysCommand,
  mirror: async () => (await import('./commands/mirror/index.js')).addMirrorCommand,
  check: async () => (await import('./commands/check.js')).addCheckCommand,
  download: async () => (await import('./commands/download.js')).addDownloadCommand,
  relocate: async () => (await import('./commands/relocate.js')).addRelocateCommand,
  inspect: async () => (await import('./commands/inspect.js')).addInspectCommand,
  bench: async () => (await import('./commands/bench.js')).addBenchCommand,
};

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
  for (const load of wantedCommands(args)) (await load())(program, run);
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

/** The command that is named first; else all of them, for the help and for the error about an unknown command. */
function wantedCommands(args: readonly string[]): readonly (() => Promise<AddCommand>)[] {
  const name = args.find((arg) => !arg.startsWith('-')) ?? '';
  const load = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  return load === undefined ? Object.values(COMMANDS) : [load];
}

/** `--json` takes its form only after an equals sign, so that a spec can follow it. */
function withJsonForm(args: readonly string[]): string[] {
  const end = args.includes('--') ? args.indexOf('--') : args.length;
  return args.map((arg, i) => (arg === '--json' && i < end ? '--json=document' : arg));
}

function addGlobalOptions(command: Command): void {
  command
    .addOption(
      new Option('--json [form]', 'print one JSON document, or with "lines" one event per line').choices([
        'document',
        'lines',
      ]),
    )
    .option('--full-paths', 'do not abbreviate the padding of padded roots');
}
