import { followLog } from '@sodate/client/live.ts';
import { pause } from '@sodate/client/backoff.ts';
import { getRun, getWaiting, type Run } from '@sodate/contract/run-routes.ts';
import type { RunState } from '@sodate/contract/runs.ts';
import { CliError } from './cli-error.ts';
import type { Cli } from './cli.ts';
import { runName } from './output/run.ts';

/** How a run's end becomes an exit code, in `run wait` and wherever `--follow` waits for the end. */
const EXIT_CODES: Readonly<Partial<Record<RunState, number>>> = { succeeded: 0, failed: 1, cancelled: 2 };
export const EXIT_CODES_TEXT = 'Exit code: 0 when the run succeeded, 1 when it failed, 2 when it was cancelled.';

/** Between two looks at a run: short at first, because most waits are short, then so that a long wait costs little. */
const FIRST_LOOK_MS = 100;
const LONGEST_LOOK_MS = 2_000;

export async function waitForEnd(cli: Cli, params: { tenant: string; run: string }): Promise<Run> {
  const client = cli.client();
  for (let wait = FIRST_LOOK_MS; ; wait = Math.min(wait * 1.5, LONGEST_LOOK_MS)) {
    const run = await client.call(getRun, { params, signal: cli.signal });
    if (EXIT_CODES[run.state] !== undefined) return run;
    await pause(wait, cli.signal);
  }
}

export const exitCodeOf = (run: Run): number => EXIT_CODES[run.state] ?? 1;

/** The log as it comes: bytes for people, one object a line with --json. */
export async function printLog(cli: Cli, options: { tenant: string; run: string; attempt?: number | undefined; offset?: number | undefined }): Promise<void> {
  for await (const batch of followLog(cli.client(), options, cli.signal)) {
    const { attempt, offset, bytes } = batch;
    await (cli.json ? cli.show({ attempt, offset, bytes: Buffer.from(bytes).toString('base64') }, () => '') : cli.terminal.out(bytes));
  }
}

/** Shows the log of a run just submitted and answers the exit code its end means. */
export async function followToEnd(cli: Cli, params: { tenant: string; run: string }): Promise<number> {
  return detachable(cli, params.run, async () => {
    if (!cli.json) await sayWhyWaiting(cli, params);
    await printLog(cli, params);
    const run = await waitForEnd(cli, params);
    if (cli.json) await cli.show(run, () => '');
    else cli.note(`${runName(run)} ${run.state}${run.exitCode === null ? '' : ` (exit code ${run.exitCode})`}${run.failure === null ? '' : `: ${run.failure.message} ${run.failure.advice}`}`);
    return exitCodeOf(run);
  });
}

async function sayWhyWaiting(cli: Cli, params: { tenant: string; run: string }): Promise<void> {
  const { waiting } = await cli.client().call(getWaiting, { params, signal: cli.signal });
  if (waiting !== null) cli.note(`${params.run} is waiting: ${waiting.message}`);
}

/** Ctrl-C leaves the run alone, and says so. */
export async function detachable<T>(cli: Cli, run: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!cli.signal.aborted) throw error;
    throw new CliError(`detached; ${run} goes on. \`sodate run log ${run} --follow\` shows it again, \`sodate run stop ${run}\` ends it.`, 130);
  }
}
