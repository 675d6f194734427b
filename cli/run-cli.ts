import { type Command, CommanderError } from 'commander';
import { ApiError } from '@sodate/client/connection-errors.ts';
import { isSodateError } from '@sodate/contract/errors.ts';
import { CliError } from './cli-error.ts';
import { makeCli, type Surroundings } from './cli.ts';
import { ALL_COMMANDS } from './all-commands.ts';
import { eachCommand, makeProgram } from './make-program.ts';
import manifest from './package.json' with { type: 'json' };
import { thingLines } from './output/affected.ts';
import { printable } from './output/table.ts';

/** As shells report a process ended by SIGINT. */
const INTERRUPTED = 130;

/** Runs one command line and answers the exit code: 0 done, 1 failed, 2 wrong usage, 130 interrupted, or the command's own. */
export async function runCli(args: readonly string[], surroundings: Surroundings): Promise<number> {
  const { terminal, signal } = surroundings;
  let exitCode = 0;
  const written: Promise<void>[] = [];
  const program = makeProgram(ALL_COMMANDS, async (options, run) => {
    exitCode = (await run(await makeCli(surroundings, options))) ?? 0;
  });
  program.version(manifest.version);
  eachCommand(program, (command) => {
    command.exitOverride();
    command.showHelpAfterError(`(\`${fullName(command)} --help\` tells more)`);
    command.configureOutput({ writeOut: (text) => written.push(terminal.out(text)), writeErr: (text) => terminal.err(text) });
  });
  try {
    await program.parseAsync([...args], { from: 'user' });
  } catch (error) {
    if (signal.aborted && !(error instanceof CliError)) return INTERRUPTED;
    // Commander has already said it. Help that was asked for is no error; help instead of a missing verb is.
    if (error instanceof CommanderError) exitCode = error.exitCode === 0 ? 0 : 2;
    else exitCode = report(error, (text) => terminal.err(text));
  }
  await Promise.all(written);
  return exitCode;
}

function fullName(command: Command): string {
  return command.parent === null ? command.name() : `${fullName(command.parent)} ${command.name()}`;
}

function report(error: unknown, write: (text: string) => void): number {
  const message = error instanceof Error ? error.message : String(error);
  write(`error: ${message.split('\n').map(printable).join('\n')}\n`);
  if (isSodateError(error) && error.things.length > 0) write(`${thingLines(error.things).join('\n')}\n`);
  if (isSodateError(error) && error.code === 'not-signed-in') write('Sign in with `sodate login`, or set SODATE_TOKEN to a valid token.\n');
  if (error instanceof ApiError && error.status >= 500) write(`The server's log has more under request ${printable(error.requestId)}.\n`);
  return error instanceof CliError ? error.exitCode : 1;
}
