/** The `sodate` command: `node --import tsx cli/main.ts …`, or the bundle made of it. */
import { processEnvironment } from './config-file.ts';
import { runCli } from './run-cli.ts';
import { processTerminal } from './terminal.ts';

const interrupt = new AbortController();
// The first Ctrl-C lets a command say what goes on without it; `once`, so that the second one ends the process at once.
process.once('SIGINT', () => interrupt.abort(new Error('interrupted')));

// `sodate … | head`: the reader has seen enough, which is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? 0 : 1);
});

const exitCode = await runCli(process.argv.slice(2), {
  terminal: processTerminal(),
  environment: processEnvironment(),
  signal: interrupt.signal,
  now: () => Date.now(),
});
// Not process.exit, which would drop what a slow pipe has not taken yet.
process.exitCode = exitCode;
